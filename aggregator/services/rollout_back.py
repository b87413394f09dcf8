"""The way back: which node goes to which earlier release."""

from collections.abc import Sequence

from aggregator.domain.published import Published
from aggregator.domain.rollouts.plan import Targets, Wave
from aggregator.domain.rollouts.states import Member
from aggregator.errors import RolloutError
from aggregator.services.rollout_wish import Wish, find_release


def ways_back(
    members: Sequence[Member], published: Sequence[Published], release: str, *, probation_s: float
) -> list[Wish]:
    """One rollout for each bundle that these nodes ran before, or one to ``release``; as long on probation
    as in the rollout that they come back from.

    ``RolloutError`` if one of those bundles is not published: then nobody goes back.
    """
    known = {one.digest for one in published}
    back: dict[str, list[str]] = {}
    for member in members:
        digest = find_release(published, release).digest if release else member.before
        if digest is None or digest not in known:
            was = f"bundle {digest[:12]}" if digest else "a bundle that is not known"
            raise RolloutError(
                f"{member.node} ran {was} before, which is not published: publish it, or name another release"
            )
        back.setdefault(digest, []).append(member.node)
    return [_wish(digest, names, probation_s) for digest, names in back.items()]


def _wish(digest: str, names: Sequence[str], probation_s: float) -> Wish:
    return Wish(
        release=digest,
        new_front_end=True,
        takes_new=False,
        probation_s=probation_s,
        targets=Targets(nodes=tuple(sorted(names)), any_model=True),
        # Everybody at once, whatever happens: what they run is the worse of the two.
        waves=(Wave(name="back", percent=100, error_percent=100, success_percent=0),),
    )
