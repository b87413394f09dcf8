"""Which windows leave the node: cut from the stream, kept from private sound, within their budgets."""

import logging
from collections import Counter
from collections.abc import Sequence

from contract.sampling import Sampling
from edge_agent.agent.ledger import Ledger
from edge_agent.agent.reporting import Identity, features_bytes
from edge_agent.budgets import limit_bytes
from edge_agent.picks import make_cutter
from edge_agent.pipeline import Step
from edge_agent.privacy import Guard, Rule, make_rule
from edge_agent.sampling import Sampler
from edge_agent.settings import PublishSettings
from edge_agent.windows import Cutter, Slice, Window

_log = logging.getLogger("edge_agent.agent")


class Publisher:
    """One stream's windows. After each step, ``release`` what may leave."""

    def __init__(
        self,
        identity: Identity,
        publish: PublishSettings,
        sampling: Sampling,
        ledger: Ledger,
        *,
        seed: str,
        closed: str = "",
    ) -> None:
        """``seed`` makes the node's chance its own; ``closed`` says why nothing may leave at first."""
        self._identity, self._publish, self._ledger = identity, publish, ledger
        self._seed, self._closed = seed, closed
        self._policy, self._sampling = publish.policy, sampling
        self.over_budget: Counter[str] = Counter()
        """Reason → windows that were not sent because its budget was spent."""
        self._hidden = 0
        """Under earlier rules."""
        self._guard = self._make_guard()
        self._cutter: Cutter = self._make_cutter()
        self._sampler = self._make_sampler()

    @property
    def hidden(self) -> int:
        """Windows that stayed on the node for privacy."""
        return self._hidden + self._guard.hidden

    @property
    def problem(self) -> str:
        """Why no window may leave, if none may."""
        return self._guard.rule.problem

    def hear(self, step: Step) -> None:
        """One more step of the stream."""
        self._guard.hear(step.index, step.posteriors)
        part = Slice(index=step.index, frames=step.frames, posteriors=step.posteriors, end_s=step.end_s)
        self._guard.hold(self._cutter.feed(part))
        for suggestion in self._sampler.feed(step.average, step.level_dbfs, step.end_s):
            self._cutter.suggest(suggestion.reason, suggestion.back_steps)

    def mark(self, label: str, sequence: int, back_steps: int) -> None:
        """A detection of ``label`` began ``back_steps`` before the step heard last."""
        if label in self._sampling.private:
            self._guard.hide(back_steps)
        else:
            self._guard.hold(self._cutter.mark(sequence, back_steps))

    def release(self) -> list[Window]:
        """The windows that are to be sent now."""
        return self._affordable(self._guard.release())

    def finish(self) -> list[Window]:
        """The stream ends or breaks: what is to be sent of it."""
        self._guard.hold(self._cutter.flush())
        return self._affordable(self._guard.end())

    def follow(self, before: "Publisher", index: int) -> None:
        """Take over from another model's in the middle of a stream, after one's own step ``index``."""
        self._hidden += before.hidden
        self.over_budget.update(before.over_budget)
        if index >= 0:
            # What was just heard was judged by another model: nothing next to it may leave.
            self._guard.begin_at(index)

    def rule_of(self, labels: Sequence[str]) -> Rule:
        """What another model, with these ``labels``, must not hear in a window that leaves."""
        return make_rule(self._sampling, labels)

    def suggest(self, reason: str, back_steps: int) -> None:
        """The step ``back_steps`` before the one heard last is worth a window."""
        self._cutter.suggest(reason, back_steps)

    def hide(self, back_steps: int) -> None:
        """Something private may have sounded up to ``back_steps`` before the step heard last."""
        self._guard.hide(back_steps)

    def set_policy(self, policy: str) -> None:
        """Publish by another policy from now on; the open window ends here."""
        self._policy = policy
        self._guard.hold(self._cutter.flush())
        self._cutter = self._make_cutter()

    def set_sampling(self, sampling: Sampling) -> None:
        """Pick otherwise from now on. Where privacy changes, all that has not left yet stays."""
        before, self._sampling = self._sampling, sampling
        closed, self._closed = self._closed, ""
        same = (before.private, before.private_least) == (sampling.private, sampling.private_least)
        self._sampler = self._make_sampler()
        if same and not closed:
            return
        self._hidden += self._guard.hidden
        heard = self._guard.now
        self._cutter, self._guard = self._make_cutter(), self._make_guard()
        # What was just heard was not judged by the new rule: nothing next to it may leave.
        self._guard.begin_at(heard)

    def _affordable(self, windows: Sequence[Window]) -> list[Window]:
        return [window for window in windows if self._may_spend(window)]

    def _may_spend(self, window: Window) -> bool:
        limit = limit_bytes(self._sampling, window.reason)
        if limit is None or self._ledger.spend(window.reason, features_bytes(self._identity, window), limit):
            return True
        self.over_budget[window.reason] += 1
        count = self.over_budget[window.reason]
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th …
            _log.info("over budget", extra={"reason": window.reason, "windows": count, "limit_bytes": limit})
        return False

    def _make_cutter(self) -> Cutter:
        publish = self._publish
        return make_cutter(
            self._policy, before_s=publish.before_s, after_s=publish.after_s, step_s=self._identity.step_s
        )

    def _make_sampler(self) -> Sampler:
        identity = self._identity
        return Sampler(
            self._sampling, identity.manifest.labels, identity.thresholds,
            step_s=identity.step_s, seed=self._seed,
        )  # fmt: skip

    def _make_guard(self) -> Guard:
        identity = self._identity
        rule = make_rule(self._sampling, identity.manifest.labels)
        if self._closed:
            rule = Rule(problem=self._closed)
        if rule.problem:
            _log.error("no window leaves", extra={"reason": rule.problem})
        return Guard(rule, identity.step_s)
