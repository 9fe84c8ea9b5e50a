"""Quick replies and articles: what helps to answer."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LANGUAGES = [("en", "English"), ("ru", "Русский")]


class QuickReply(models.Model):
    """A text that an operator inserts by "/shortcut". Variables: {customer}, {operator}, {queue}."""

    shortcut = models.SlugField(_("shortcut"), max_length=40)
    language = models.CharField(_("language"), max_length=5, choices=LANGUAGES, default="en")
    text = models.TextField(_("text"))
    team = models.ForeignKey(
        "accounts.Team", verbose_name=_("for the team"), null=True, blank=True, on_delete=models.CASCADE
    )
    used = models.IntegerField(_("used"), default=0, editable=False)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("quick reply")
        verbose_name_plural = _("quick replies")
        ordering: ClassVar = ["-used", "shortcut"]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class Article(models.Model):
    """A page of the knowledge base."""

    title = models.CharField(_("title"), max_length=200)
    language = models.CharField(_("language"), max_length=5, choices=LANGUAGES, default="en")
    text = models.TextField(_("text"))
    published = models.BooleanField(_("published"), default=True)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        indexes: ClassVar = [
            # Word forms of both languages: a search asks both.
            GinIndex(
                SearchVector("title", "text", config="russian") + SearchVector("title", "text", config="english"),
                name="article_words",
            )
        ]

    def __str__(self) -> str:
        return self.title
