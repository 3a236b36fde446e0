"""What the API says about sites, buildings and rooms, and what it is told."""

from datetime import datetime

from ninja import Field, Schema


class SiteOut(Schema):
    """`id` is also the scope at which roles are held. A site that is closed can be read and nothing more."""

    id: int = Field(alias="pk")
    authority_id: int
    kind: str
    name: str
    slug: str
    street: str
    postcode: str
    city: str
    timezone: str
    federal_state: str
    closed_at: datetime | None


class SitePatch(Schema):
    """`federal_state`: two letters as in ISO 3166-2:DE (`BY`); `timezone`: a name of the IANA database in Europe."""

    kind: str | None = None
    name: str | None = None
    slug: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    federal_state: str | None = None
    timezone: str | None = None


class SiteIn(Schema):
    """`authority_id` is needed by whoever administers several; without `slug` one is made of the name."""

    authority_id: int | None = None
    kind: str
    name: str
    slug: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    federal_state: str = "BY"
    timezone: str = "Europe/Berlin"


class BuildingOut(Schema):
    id: int
    site_id: int
    name: str


class BuildingIn(Schema):
    site_id: int
    name: str


class BuildingPatch(Schema):
    name: str


class RoomOut(Schema):
    id: int
    site_id: int
    building_id: int
    number: str
    name: str
    floor: int
    teaching: bool


class RoomIn(Schema):
    building_id: int
    number: str
    name: str = ""
    floor: int = 0
    teaching: bool = True


class RoomPatch(Schema):
    """`building_id` of the same school: the room moves there."""

    building_id: int | None = None
    number: str | None = None
    name: str | None = None
    floor: int | None = None
    teaching: bool | None = None
