"""Knowledge base and quick replies."""

from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import Case, Q, When
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.contexts import sessions_context
from cxcenter.desk.views.common import session_for
from cxcenter.frame import frame
from interactions.models import Article, QuickReply
from routing import queries

WORDS = SearchVector("title", "text", config="russian") + SearchVector("title", "text", config="english")


def section(query: str) -> dict[str, Any]:
    """Return articles by word forms of Russian and English; without a query the newest."""
    articles = Article.objects.filter(published=True)
    if query:
        wanted = SearchQuery(query, config="russian") | SearchQuery(query, config="english")
        articles = (
            articles.annotate(words=WORDS, rank=SearchRank(WORDS, wanted)).filter(words=wanted).order_by("-rank", "pk")
        )
    else:
        articles = articles.order_by("-updated_at", "pk")
    return {"articles": articles[:30], "query": query}


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def index(request: HttpRequest) -> HttpResponse:
    """Show the knowledge base, or the found articles alone."""
    user = staff_of(request)
    context = section(request.GET.get("q", "").strip()[:100])
    if request.headers.get("HX-Request"):
        return render(request, "desk/_articles.html", context)
    return render(
        request, "desk/knowledge.html", {**frame(user, "knowledge"), **sessions_context(user, None), **context}
    )


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def article(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one article."""
    return render(request, "desk/_article.html", {"article": get_object_or_404(Article, pk=pk, published=True)})


@require_GET
@needs(Right.SERVE)
def quick_replies(request: HttpRequest, pk: int) -> JsonResponse:
    """Return quick replies that match what follows "/", their variables filled in, and articles of that name."""
    user = staff_of(request)
    talk = session_for(user, pk)
    query = request.GET.get("q", "").strip()[:60]
    replies = QuickReply.objects.filter(active=True).filter(Q(team=None) | Q(team=user.team_id))
    if query:
        replies = replies.filter(Q(shortcut__icontains=query) | Q(text__icontains=query))
    owner = queries.owner_of(talk.pk)
    values = {
        "{customer}": (talk.profile.customer.name if talk.profile else "") or talk.says.get("name", ""),
        "{operator}": user.public_name,
        "{queue}": owner.item.queue.label(talk.language) if owner else "",
    }
    found = [
        {
            "id": r.pk,
            "code": f"/{r.shortcut}",
            "language": r.language.upper(),
            "used": r.used,
            "text": _fill(r.text, values),
        }
        for r in replies.order_by(Case(When(shortcut__istartswith=query, then=0), default=1), "-used", "shortcut")[:7]
    ]
    articles = Article.objects.filter(published=True, title__icontains=query)[:2] if len(query) > 2 else []
    return JsonResponse(
        {
            "replies": found,
            "articles": [{"id": a.pk, "title": a.title, "text": a.text} for a in articles],
            "name": talk.caller,
        }
    )


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text
