from ninja import Schema


class RoleHeld(Schema):
    role: str
    scope_id: int
    scope: str
    """The name of the authority or site at which the role is held."""


class Me(Schema):
    id: int
    name: str
    email: str
    language: str
    roles: list[RoleHeld]
    actions: list[str]
    """What these roles allow, each somewhere; where, the single objects say."""
