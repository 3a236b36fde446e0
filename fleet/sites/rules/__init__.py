"""The school clock, decided purely: what kind of time it is, when lessons are, how business time runs."""

from fleet.sites.rules.business import (
    AROUND_THE_CLOCK,
    NeverOpenError,
    add_business_time,
    business_seconds_between,
)
from fleet.sites.rules.clock import (
    Bell,
    Calendar,
    ClockSpan,
    ExamSpan,
    LessonSpan,
    Moment,
    ServiceHours,
    exam_days,
    in_exam,
    in_nap,
    lessons_between,
    moment,
    next_lesson,
)

__all__ = [
    "AROUND_THE_CLOCK",
    "Bell",
    "Calendar",
    "ClockSpan",
    "ExamSpan",
    "LessonSpan",
    "Moment",
    "NeverOpenError",
    "ServiceHours",
    "add_business_time",
    "business_seconds_between",
    "exam_days",
    "in_exam",
    "in_nap",
    "lessons_between",
    "moment",
    "next_lesson",
]
