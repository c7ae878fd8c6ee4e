"""The write protocol, small enough to try every interleaving of it.

Each program below is one command of `kubectl gitops`, or a neighbour of it: a commit by hand, an
edit with plain kubectl. It reads from top to bottom; every `yield` is one step in the world, and
before each of them anybody else may go first:

    fetch → observe → push → apply → look → (settle)

A program is a chain of phases. A phase ends by naming the next phase or the exit, so that all a
command remembers is the phase's arguments and the answers since: that is what makes two schedules
that differ only in the past one state (`schedules.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from tests.properties.steps import (
    Admit,
    Answer,
    Apply,
    Branch,
    Edit,
    Edits,
    End,
    Exit,
    Fetch,
    Look,
    Note,
    Observe,
    Phase,
    Program,
    Push,
    Recall,
    Rules,
    Seen,
    Tree,
    Value,
    Write,
    edited,
    since,
)

NOTHING = -1
"""The commit of a job that had nothing to commit."""


class Job(NamedTuple):
    """What a command pushed and how far it got with it.

    `wrote` is what it last sent of each resource; `moved` are those to carry out again as the tip
    has them; `refused` were refused as we wrote them; of `ahead` the cluster does not hold what the
    tip has, for another reason. `queued`: the marks are ours. `settled`: a follow-up commit.
    """

    commit: int
    former: Tree
    wrote: Edits = ()
    moved: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    ahead: frozenset[int] = frozenset()
    looks: int = 0
    queued: bool = False
    settled: bool = False

    def after(self, write: Write, answer: Answer) -> Job:
        """The job with the answer to one write entered."""
        if answer is Answer.CONFLICT:
            return self._replace(moved=(*self.moved, write.resource))
        if answer is Answer.OK:
            return self._replace(wrote=(*self._others(write.resource), write[:2]))
        if write.commit == self.commit and not self.settled:
            others = self._others(write.resource)
            return self._replace(wrote=others, refused=(*self.refused, write.resource))
        return self.without(write.resource)

    def without(self, resource: int) -> Job:
        """The job that leaves a resource as the cluster has it, and says so at the end."""
        return self._replace(wrote=self._others(resource), ahead=self.ahead | {resource})

    def _others(self, resource: int) -> Edits:
        return tuple(edit for edit in self.wrote if edit[0] != resource)


def change(rules: Rules, edits: Edits) -> Program:
    """`apply`, `edit`, `delete`: steps 2 to 5, up to the push."""
    branch: Branch = yield Fetch()
    seen: tuple[Seen, ...] = yield Observe(tuple(resource for resource, _ in edits))
    commit = len(branch)
    plan = tuple(Write(*edit, commit, was) for edit, was in zip(edits, seen, strict=True))
    writes = tuple(write for write in plan if not write.seen.holds(write.value))
    needless = tuple(write.resource for write in plan if rules.confirms and write not in writes)
    if not rules.push_first:
        for write in writes:
            yield Apply(write)
    tree = edited(branch[-1], edits)
    if tree == branch[-1]:
        return nothing_to_commit(rules, branch, plan)
    if not (yield Push(branch, tree)):
        return Phase(change, (edits,))
    return Phase(carry_out, (Job(commit, branch[-1], moved=needless), writes))


def nothing_to_commit(rules: Rules, branch: Branch, plan: tuple[Write, ...]) -> Phase:
    """Git says it already. Without a push that fails, only a fetch shows that the tip has moved."""
    job = Job(NOTHING, branch[-1])
    if rules.fetches_again:
        moved = tuple(write.resource for write in plan)
        return Phase(follow, (job._replace(moved=moved),))
    writes = tuple(write._replace(commit=since(branch, write.resource)) for write in plan)
    return Phase(carry_out, (job, writes))


def carry_out(_: Rules, job: Job, writes: tuple[Write, ...]) -> Program:
    """Step 6, apply: each write in turn. A 409 means that somebody was here since we observed."""
    if writes:
        answer: Answer = yield Apply(writes[0])
        return Phase(carry_out, (job.after(writes[0], answer), writes[1:]))
    return Phase(follow if job.moved else look, (job,))


def follow(rules: Rules, job: Job) -> Program:
    """Step 6 after a 409 or a moved tip: observe, then fetch, then send what the tip says.

    In this order the document is never older than the version that guards it.
    """
    resource, *others = job.moved
    (seen,) = yield Observe((resource,))
    branch: Branch = yield Fetch()
    job = job._replace(moved=tuple(others))
    write = Write(resource, branch[-1][resource], since(branch, resource), seen)
    if seen.holds(write.value):
        return Phase(carry_out, (job.after(write, Answer.OK), ()))
    if rules.marks_unpushed and seen.waits_for_push(write.value) and not job.queued:
        return Phase(carry_out, (job.without(resource), ()))
    return Phase(carry_out, (job, (write,)))


def look(rules: Rules, job: Job) -> Program:
    """Step 6, the end: where the tip has changed what we wrote, carry that out; until quiet."""
    if job.looks != rules.looks:
        branch: Branch = yield Look()
        moved = tuple(resource for resource, value in job.wrote if branch[-1][resource] != value)
        if moved:
            return Phase(follow, (job._replace(moved=moved, looks=job.looks + 1),))
    if job.refused:
        return Phase(settle, (job,))
    if job.ahead:
        return End(Exit.AHEAD, job.ahead)
    yield Note(job.commit, after=range(job.commit - 1, job.commit))
    return End(Exit.RESTORED if job.settled else Exit.DONE)


def settle(rules: Rules, job: Job) -> Program:
    """Step 7: what the cluster refused for good goes back in Git to what the cluster holds.

    Where it holds something else by now, somebody edited it or our document got in after all: not
    ours to undo, so it is left and said.
    """
    live: tuple[Seen, ...] = yield Observe(job.refused)
    branch: Branch = yield Fetch()
    restored = tuple(
        (resource, job.former[resource])
        for resource, seen in zip(job.refused, live, strict=True)
        if not rules.settle_reads_tip or since(branch, resource) == job.commit
        if seen.value == job.former[resource]
    )
    left = job.ahead | (set(job.refused) - {resource for resource, _ in restored})
    if not restored:
        return End(Exit.AHEAD, left)
    limits = tuple((resource, job.commit) for resource, _ in restored)
    if not (yield Push(branch, edited(branch[-1], restored), restores=limits)):
        return Phase(settle, (job,))
    if not rules.settle_follows:
        return End(Exit.AHEAD, left) if left else End(Exit.RESTORED)
    moved = tuple(resource for resource, _ in restored)
    return Phase(follow, (Job(len(branch), branch[-1], moved=moved, ahead=left, settled=True),))


def pull(rules: Rules, rounds: int) -> Program:
    """`pull`, so many times: LIST, then fetch, then make the cluster equal to that commit."""
    if rules.list_first:
        live: tuple[Seen, ...] = yield Observe()
        branch: Branch = yield Fetch()
    else:
        branch = yield Fetch()
        live = yield Observe()
    plan = tuple(
        Write(resource, value, since(branch, resource), live[resource])
        for resource, value in enumerate(branch[-1])
        if not live[resource].holds(value)
    )
    left = frozenset(
        write.resource
        for write in plan
        if rules.marks_unpushed and write.seen.waits_for_push(write.value)
    )
    writes = tuple(write for write in plan if write.resource not in left)
    return Phase(converge, (rounds, len(branch), writes, left))


def converge(
    rules: Rules, rounds: int, commits: int, writes: tuple[Write, ...], left: frozenset[int]
) -> Program:
    """The second half of `pull`: a 409 means observe again, a moved tip means begin again."""
    if writes:
        answer: Answer = yield Apply(writes[0])
        if answer is Answer.CONFLICT:
            return Phase(pull, (rounds,))
        if answer is Answer.REFUSED:
            left |= {writes[0].resource}
        return Phase(converge, (rounds, commits, writes[1:], left))
    if rules.pull_looks:
        branch: Branch = yield Look()
        if len(branch) != commits:
            return Phase(pull, (rounds,))
    if not left:
        yield Note(commits - 1, after=range(commits - 1))
    if rounds > 1:
        return Phase(pull, (rounds - 1,))
    return End(Exit.AHEAD, left) if left else End(Exit.DONE)


def record(rules: Rules) -> Program:
    """`record`: drift becomes a commit. What Git changed after the note is ahead, not drifted."""
    note: int = yield Recall()
    live: tuple[Seen, ...] = yield Observe()
    branch: Branch = yield Fetch()
    differing = {r for r, seen in enumerate(live) if seen.value != branch[-1][r]}
    ahead = {r for r in differing if rules.record_reads_note and since(branch, r) > note}
    drifted = tuple((resource, live[resource].value) for resource in sorted(differing - ahead))
    if not drifted:
        return End(Exit.AHEAD, frozenset(ahead)) if ahead else End(Exit.DONE)
    limits = tuple((resource, live[resource].newest) for resource, _ in drifted)
    if not (yield Push(branch, edited(branch[-1], drifted), restores=limits)):
        return Phase(record, ())
    writes = tuple(Write(*edit, len(branch), live[edit[0]]) for edit in drifted)
    job = Job(len(branch), branch[-1], ahead=frozenset(ahead))
    return Phase(carry_out, (job, writes))


def offline(_: Rules, edits: Edits) -> Program:
    """`apply --offline`: the commit is queued on top of what the mirror knows."""
    branch: Branch = yield Fetch()
    return Phase(apply_offline, (branch, edits, edits))


def apply_offline(_: Rules, base: Branch, edits: Edits, todo: Edits) -> Program:
    """What is in the queue only is marked in the cluster as unpushed."""
    if not todo:
        return Phase(push, (base[-1], edits))
    (resource, value), *others = todo
    (seen,) = yield Observe((resource,))
    answer: Answer = yield Apply(Write(resource, value, len(base), seen), unpushed=True)
    if answer is Answer.CONFLICT:
        return Phase(apply_offline, (base, edits, todo))
    return Phase(apply_offline, (base, edits, tuple(others)))


def push(rules: Rules, base: Tree, edits: Edits) -> Program:
    """`push`: the queue replayed on the branch, then step 6 with what the branch has become."""
    branch: Branch = yield Fetch()
    resources = tuple(resource for resource, _ in edits)
    if any(branch[-1][resource] != base[resource] for resource in resources):
        return End(Exit.CONFLICT, frozenset(resources))
    if not (yield Push(branch, edited(branch[-1], edits))):
        return Phase(push, (base, edits))
    if not rules.push_applies:
        return End(Exit.DONE)
    return Phase(follow, (Job(len(branch), branch[-1], moved=resources, queued=True),))


def by_hand(_: Rules, edits: Edits) -> Program:
    """A commit with plain Git. Whoever makes it knows that the cluster has not seen it."""
    branch: Branch = yield Fetch()
    if not (yield Push(branch, edited(branch[-1], edits))):
        return Phase(by_hand, (edits,))
    return End(Exit.AHEAD, frozenset(resource for resource, _ in edits), commit=len(branch))


def kubectl_edit(_: Rules, resource: int, value: Value) -> Program:
    """Drift. Whoever makes it knows that Git has not seen it."""
    yield Edit(resource, value)
    return End(Exit.AHEAD, frozenset({resource}))


def raise_quota(_: Rules, value: str) -> Program:
    """The reason of a refusal goes away while people work."""
    yield Admit(value)
    return End(Exit.DONE)
