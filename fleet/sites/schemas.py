"""What the API says about sites and rooms."""

from ninja import Field, Schema


class SiteOut(Schema):
    """`id` is also the scope at which roles are held."""

    id: int = Field(alias="pk")
    kind: str
    name: str
    slug: str
    street: str
    postcode: str
    city: str
    timezone: str
    federal_state: str


class RoomOut(Schema):
    id: int
    site_id: int
    building_id: int
    number: str
    name: str
    floor: int
    teaching: bool
