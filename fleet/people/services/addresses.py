"""Whose a mail address is that somebody else has entered.

With "password forgotten" an address opens an account, so whoever enters another one could take the account over. Until the
person has said that the new one is theirs, no password is set by mail. They say so by logging in, with the password or the
passkey of before, or by the link in the mail to the former address.
"""

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils.crypto import salted_hmac

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.services import inviting

SALT = "fleet.people.address"


def tell_former(*, address: str, person: User, confirms: bool) -> bool:
    """`confirms`: the mail has the link. Never where the former address is itself one that nobody has confirmed."""
    link = inviting.url("people:address", token=_token(person)) if confirms else ""
    return inviting.send("address_changed", address, person, {"address": address, "email": person.email, "link": link})


def tell_unproven(*, person: User) -> bool:
    """Why no link to a new password comes."""
    return inviting.send("address_unproven", person.email, person, {"login": inviting.url("account_login")})


def claimed(*, token: str) -> User | None:
    """Whose address the link of a mail speaks of, as long as it is still theirs to confirm."""
    try:
        said = signing.loads(token, salt=SALT, max_age=settings.PASSWORD_RESET_TIMEOUT)
    except signing.BadSignature:
        return None
    person = User.objects.filter(pk=said["person"], address_unproven=True, is_active=True).first()
    return person if person is not None and said["address"] == _veiled(person.email) else None


@transaction.atomic
def prove(*, person: User) -> bool:
    """False: nobody had asked."""
    if not User.objects.filter(pk=person.pk, email=person.email, address_unproven=True).update(address_unproven=False):
        return False
    held = person.grants.select_related("scope").order_by("pk").last()
    if held is not None:
        emit(Fact("person.address-confirmed", person, held.scope.authority_id, held.scope.site_id, person.pk))
    return True


def _token(person: User) -> str:
    """Names neither person nor address: it goes through logs."""
    return signing.dumps({"person": person.pk, "address": _veiled(person.email)}, salt=SALT)


def _veiled(address: str) -> str:
    return salted_hmac(SALT, address, algorithm="sha256").hexdigest()[:32]
