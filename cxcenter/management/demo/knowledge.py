"""Quick replies and articles of the demo."""

from cxcenter.management.demo import texts_en, texts_ru
from interactions.models import Article, QuickReply


def plant() -> None:
    """Make the missing quick replies and articles, in English and Russian."""
    for language, texts in (("en", texts_en), ("ru", texts_ru)):
        for shortcut, text, used in texts.QUICK_REPLIES:
            QuickReply.objects.get_or_create(
                shortcut=shortcut, language=language, defaults={"text": text, "used": used}
            )
        for title, text in texts.ARTICLES:
            Article.objects.get_or_create(title=title, language=language, defaults={"text": text})
