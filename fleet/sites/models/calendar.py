"""The calendar of a site: bells, service hours, free days, exams, and where each entry comes from."""

from collections.abc import Iterable
from typing import Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import ScopedQuerySet, User
from fleet.people.rules import Action
from fleet.sites.models.places import Authority, Site, SiteScoped

WEEKDAYS = (
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
)
MOST_BUFFER_DAYS = 14


class BellPeriod(SiteScoped):
    """A lesson of a weekday in local time; in a kindergarten also when the children sleep."""

    class Kind(models.TextChoices):
        LESSON = "lesson", _("Lesson")
        NAP = "nap", _("Nap")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.LESSON)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=WEEKDAYS)
    """Monday is 0, as `date.weekday()` counts."""
    number = models.PositiveSmallIntegerField(_("number"))
    starts_at = models.TimeField(_("begins"))
    ends_at = models.TimeField(_("ends"))

    objects = ScopedQuerySet["BellPeriod"].as_manager()

    class Meta:
        ordering = ("weekday", "starts_at")
        constraints = (
            models.UniqueConstraint(fields=["site", "kind", "weekday", "number"], name="bell_number_unique"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="bell_ends_after_start"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="bell_weekday_is_one"),
        )

    def __str__(self) -> str:
        return f"{self.number}. {self.starts_at:%H:%M}–{self.ends_at:%H:%M}"


class ServicePeriod(SiteScoped):
    """When the helpdesk works for a site, local time; an end at 00:00 is the end of the day."""

    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=WEEKDAYS)
    opens_at = models.TimeField(_("from"))
    closes_at = models.TimeField(_("until"))

    objects = ScopedQuerySet["ServicePeriod"].as_manager()

    class Meta:
        ordering = ("weekday", "opens_at")
        constraints = (
            models.UniqueConstraint(fields=["site", "weekday", "opens_at"], name="service_period_unique"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")) | Q(closes_at="00:00"), name="service_closes_after_opening"
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="service_weekday_is_one"),
        )

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens_at:%H:%M}–{self.closes_at:%H:%M}"


Row = TypeVar("Row", bound=models.Model, covariant=True)  # noqa: PLC0105  (as in people.models)


class CalendarQuerySet(ScopedQuerySet[Row]):
    """Rows of one site, or of a whole authority: those hold for every site of it, so everybody there sees them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        if not isinstance(user, User):
            return self.none()
        scopes = user.access.scopes(Action.VIEW_SITE)
        authorities = Site.objects.filter(pk__in=scopes).values("authority")
        return self.filter(
            Q(authority_id__in=scopes) | Q(site_id__in=scopes) | Q(site__isnull=True, authority_id__in=authorities)
        )

    def of_sites(self, sites: Iterable[Site]) -> Self:
        """What holds at these sites: their own, and their authorities'."""
        known = list(sites)
        shared = Q(site__isnull=True, authority_id__in={site.authority_id for site in known})
        return self.filter(shared | Q(site_id__in=[site.pk for site in known]))


class CalendarScoped(models.Model):
    """Scope columns of what may hold for one site or, without one, for all sites of the authority."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Content(models.TextChoices):
    """What a file tells."""

    HOLIDAYS = "holidays", _("School holidays (instead of those of the federal state)")
    CLOSURES = "closures", _("Closures (in addition)")
    EXAMS = "exams", _("Exams")
    BELLS = "bells", _("Bells and nap hours")


class CalendarFeed(CalendarScoped):
    """What the files of one kind have said so far; the newest replaces the one before."""

    content = models.CharField(max_length=10, choices=Content.choices)
    covers_from = models.DateField(null=True, blank=True)
    covers_until = models.DateField(null=True, blank=True)
    """The days that any file of this kind has spoken about: between them a day that it no longer names is no longer free."""
    failed_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)
    """Why the last file was refused; what the one before said still holds."""

    objects = CalendarQuerySet["CalendarFeed"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["site", "content"], condition=Q(site__isnull=False), name="feed_of_site_once"),
            models.UniqueConstraint(
                fields=["authority", "content"], condition=Q(site__isnull=True), name="feed_of_authority_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.content} {self.authority_id}/{self.site_id}"


class FreePeriod(CalendarScoped):
    """Whole days without school, both ends included. Without a feed somebody entered it by hand."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", _("School holidays")
        CLOSURE = "closure", _("Closure")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=200)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    feed = models.ForeignKey(CalendarFeed, null=True, blank=True, on_delete=models.CASCADE, related_name="free_periods")
    uid = models.CharField(max_length=255, blank=True)
    entered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now)

    objects = CalendarQuerySet["FreePeriod"].as_manager()

    class Meta:
        ordering = ("first_day", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="free_period_ends_after_start"),
            models.UniqueConstraint(fields=["feed", "uid"], condition=Q(feed__isnull=False), name="free_period_uid_unique"),
        )
        indexes = (
            models.Index(fields=["site", "last_day"], name="free_period_site"),
            models.Index(fields=["authority", "last_day"], condition=Q(site__isnull=True), name="free_period_authority"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.first_day}–{self.last_day}"


class ExamPeriod(CalendarScoped):
    """An exam, or a time of exams: its school comes first then, and nothing is changed there."""

    name = models.CharField(_("name"), max_length=200)
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    buffer_days = models.PositiveSmallIntegerField(_("whole days before and after"), default=0)
    feed = models.ForeignKey(CalendarFeed, null=True, blank=True, on_delete=models.CASCADE, related_name="exams")
    uid = models.CharField(max_length=255, blank=True)
    entered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now)

    objects = CalendarQuerySet["ExamPeriod"].as_manager()

    class Meta:
        ordering = ("starts_at", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="exam_ends_after_start"),
            models.CheckConstraint(condition=Q(buffer_days__lte=MOST_BUFFER_DAYS), name="exam_buffer_is_short"),
            models.UniqueConstraint(fields=["feed", "uid"], condition=Q(feed__isnull=False), name="exam_uid_unique"),
        )
        indexes = (models.Index(fields=["site", "ends_at"], name="exam_site"),)

    def __str__(self) -> str:
        return self.name


class CalendarImport(CalendarScoped):
    """One uploaded file, taken apart: first a draft that a person looks at, then applied, perhaps undone."""

    class State(models.TextChoices):
        DRAFT = "draft", _("To be confirmed")
        APPLIED = "applied", _("Taken over")
        UNDONE = "undone", _("Undone")

    content = models.CharField(max_length=10, choices=Content.choices)
    file_name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    entries = models.JSONField()
    """[{uid, name, begins, ends}] (ISO 8601, ends included), of bells [{kind, weekday, number, begins, ends}]."""
    before = models.JSONField(default=list)
    """What held until then, in the same shape: what undoing brings back."""
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarQuerySet["CalendarImport"].as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state="draft", applied_at__isnull=True) | ~Q(state="draft") & Q(applied_at__isnull=False),
                name="import_applied_unless_draft",
            ),
        )

    def __str__(self) -> str:
        return self.file_name
