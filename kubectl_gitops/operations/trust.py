"""`pull --require-signatures`: nothing is applied that came by a commit nobody vouches for.

Every commit since the one the cluster stands at is looked at, those of merged branches included: a
signature on the tip says nothing about what is below it. Where the cluster stands at no commit of
this branch, that is every commit, or what is not below one that the person names.
"""

from __future__ import annotations

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.picture import Picture
from kubectl_gitops.operations.session import Session

__all__ = ["check_signatures"]

_SHOWN = 5


def check_signatures(session: Session, picture: Picture, trusted: str = "") -> None:
    """`GitopsError` that names the commits which are unsigned or not to be trusted.

    `trusted` is a commit that the person trusts with all below it, whatever the cluster stands at.
    """
    store, tip, noted = session.store, picture.branch.tip.commit, picture.parent.state.commit
    since = store.resolve(trusted) if trusted else noted
    since = since if since and store.is_ancestor(since, tip) else ""
    distrusted = list(store.distrusted(tip, since))
    if not distrusted:
        return
    named = ", ".join(f"{commit[:7]} ({why})" for commit, why in distrusted[:_SHOWN])
    more = ", …" if len(distrusted) > _SHOWN else ""
    count = "1 commit is" if len(distrusted) == 1 else f"{len(distrusted)} commits are"
    span = f"{since[:7]}..{tip[:7]}" if since else tip[:7]
    raise GitopsError(
        f"{count} not to be trusted: {named}{more}; nothing was changed",
        f"git log --show-signature {span}",
        "kubectl gitops verify --signatures",
    )
