"""What each command does: read the arguments, call the manager, show the answer."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..errors import NoSuchJob
from ..models import ARRIVED, AccountState, JobStatus, Retrieval, to_wire
from ..opening import request_of
from ..watching import LEFT_FILES, follow, follow_files, show_log
from ..wording import (
    age_text,
    badge,
    duration_text,
    elapsed_s,
    job_text,
    outcome_text,
    quota_text,
    status_text,
)
from .codes import ExitCode, code_of_job
from .screen import files_table, table

if TYPE_CHECKING:
    from ..manager import Manager
    from ..models import Job
    from .screen import Screen

Command = Callable[["Manager", Namespace, "Screen"], Awaitable[ExitCode]]


async def submit(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Send a notebook; with ``--wait`` follow it and fetch its files."""
    screen.state("sending")
    job, _ = await manager.submit(request_of(args, args.notebook_path, remember=not args.no_remember))
    screen.note(f"{job_text(job)}\n{job.url}".strip())
    for warning in job.warnings:
        screen.note(warning)
    if not args.wait:
        if job.status is JobStatus.WAITING:
            screen.note(
                f"JupyterLab sends it when a session is free, or `jupyter kaggle log {job.id[:8]} --follow`."
            )
        if job.status is JobStatus.SUBMITTING:
            screen.note(
                "Whether Kaggle received it is found out, without sending it again, by JupyterLab or by "
                f"`jupyter kaggle log {job.id[:8]} --follow`."
            )
        screen.say(job.id)
        screen.answer(job)
        return code_of_job(job)
    job = await follow(manager, job, screen)
    job = await _fetch(manager, job, args, screen)
    await _show_end(manager, job, screen)
    return code_of_job(job)


async def _fetch(manager: Manager, job: Job, args: Namespace, screen: Screen) -> Job:
    """Fetch the files of a run that may have left some; the monitor may have begun to."""
    if args.no_retrieve or job.status not in LEFT_FILES:
        return job
    if job.retrieval is Retrieval.NONE:
        await manager.retrieve(job.id)
    return await follow_files(manager, job, screen)


async def _show_end(manager: Manager, job: Job, screen: Screen) -> None:
    page = await manager.outputs(job.id)
    screen.close()
    if page.files:
        screen.say(files_table(page.files))
    screen.say(f"{status_text(job)} after {duration_text(elapsed_s(job))}")
    if text := outcome_text(job):
        screen.say(text)
    screen.answer({"job": job, "outputs": page})


async def jobs(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """List runs."""
    page = await manager.jobs(limit=max(1, args.limit), active=args.active)
    rows = [("RUN", "STATE", "AGE", "MACHINE", "TITLE", "")]
    for job in page.jobs:
        title = f"{job.title} v{job.version}" if job.version else job.title
        rows.append(
            (job.id[:8], status_text(job), age_text(job.created_at), job.accelerator, title, badge(job))
        )
    screen.say(table(rows) if page.jobs else "There are no runs. `jupyter kaggle submit NOTEBOOK` makes one.")
    screen.answer(page)
    return ExitCode.OK


async def log(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Show a log, and follow it."""
    job = await _find(manager, args.job)
    after = max(-1, job.log_count - args.tail - 1) if args.tail is not None else -1
    if args.follow:
        job = await follow(manager, job, screen, after=after)
        screen.close()
        screen.note(f"{status_text(job)}\n{outcome_text(job)}".strip())
        code = code_of_job(job)
    else:
        await show_log(manager, job, screen, after)
        code = ExitCode.OK
    if args.json:
        screen.answer({"job": job, "lines": await _all_lines(manager, job, after)})
    return code


async def _all_lines(manager: Manager, job: Job, after: int) -> list[Any]:
    lines: list[Any] = []
    while (page := await manager.log(job.id, after=after)).lines:
        lines += page.lines
        after = page.next
    return lines


async def outputs(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """List output files, or fetch them."""
    job = await _find(manager, args.job)
    if args.retrieve or args.output or args.names:
        await manager.retrieve(job.id, names=args.names or None, folder=args.output)
        job = await follow_files(manager, job, screen)
        page = await manager.outputs(job.id)
    else:
        page = await manager.outputs(job.id, refresh=True)
    screen.close()
    screen.say(files_table(page.files) if page.files else "The run left no output files.")
    screen.note("\n".join(filter(None, (page.message, page.folder and f"in {page.folder}"))))
    screen.answer(page)
    is_missing = code_of_job(job) is ExitCode.INCOMPLETE
    if args.names:
        here = {file.name for file in page.files if file.state in ARRIVED}
        is_missing = not here.issuperset(args.names)
    return ExitCode.INCOMPLETE if is_missing else ExitCode.OK


async def stop(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Stop a run."""
    job = await _find(manager, args.job)
    job = await manager.stop(job.id)
    if args.wait:
        screen.state("stopping")
        job = await manager.wait(job.id)
    screen.close()
    screen.say(job_text(job))
    screen.answer(job)
    return ExitCode.OK


async def quota(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Show this week's hours."""
    value = await manager.quota(refresh=True)
    screen.say(quota_text(value))
    screen.answer(value)
    return ExitCode.OK


async def accelerators(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """List machines."""
    found = manager.accelerators()
    rows = [("NAME", "ON SCREEN", "KAGGLE'S ID", "WHO", "LONGEST RUN", "NOTE")]
    for item in found.items:
        cap = duration_text(item.time_cap_s)
        rows.append((item.id, item.label, item.kaggle_id, item.availability.value, cap, item.note))
    screen.say(f"{table(rows)}\nAs of {found.as_of}; Kaggle changes its machines without notice.")
    screen.answer({"as_of": found.as_of, "items": found.items})
    return ExitCode.OK


async def login(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Sign in with the token that was read."""
    account = await manager.sign_in(args.token)
    if account.state is AccountState.SIGNED_IN:
        screen.say(f"Signed in as {account.username}.")
    if account.message:
        screen.note(account.message)
    screen.answer(account)
    return ExitCode.OK if account.state is AccountState.SIGNED_IN else await _worst(manager)


async def logout(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Forget the stored token."""
    account = await manager.sign_out()
    left = account.state is AccountState.SIGNED_IN
    screen.say(f"Still signed in as {account.username} by {account.source}." if left else "Signed out.")
    screen.answer(account)
    return ExitCode.OK


async def doctor(manager: Manager, args: Namespace, screen: Screen) -> ExitCode:
    """Check everything a run needs."""
    findings = await manager.doctor()
    for finding in findings:
        screen.say(f"{'ok ' if finding.ok else 'BAD'}  {finding.name}: {finding.detail}")
        if not finding.ok and finding.remedy:
            screen.say(f"     {finding.remedy}")
    screen.answer({"findings": [to_wire(finding) for finding in findings]})
    if all(finding.ok for finding in findings):
        return ExitCode.OK
    return await _worst(manager)


async def _worst(manager: Manager) -> ExitCode:
    state = (await manager.account()).state
    codes = {AccountState.SIGNED_OUT: ExitCode.SIGNED_OUT, AccountState.UNREACHABLE: ExitCode.UNREACHABLE}
    return codes.get(state, ExitCode.INTERNAL)


async def _find(manager: Manager, text: str) -> Job:
    if text:
        return await manager.find_job(text)
    newest = (await manager.jobs(limit=1)).jobs
    if not newest:
        raise NoSuchJob("There are no runs", remedy="`jupyter kaggle submit NOTEBOOK` makes one.")
    return newest[0]


COMMANDS: dict[str, Command] = {
    command.__name__: command
    for command in (submit, jobs, log, outputs, stop, quota, accelerators, login, logout, doctor)
}
FOLLOWING = frozenset({"submit", "log", "outputs", "stop"})
"""Commands for which this process follows runs itself, should no server do so."""
