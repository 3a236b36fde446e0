"""When a page is as people see it, for tests and for pictures."""

SETTLED = """() => new Promise(settled => {
  let calm = 0;
  const look = () => {
    calm = document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling") ? 0 : calm + 1;
    calm < 4 ? requestAnimationFrame(look) : settled();
  };
  look();
})"""
"""The panels that a page loads are there, and nothing has been on its way for some frames."""
