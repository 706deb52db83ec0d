"""Workers of this machine that do trial work in place of processing; forked, so that they begin at once."""

from __future__ import annotations

from functools import partial

from forked_workers import forked_worker

from autoproc.service.executing.trial import process_trial

launch_trial = partial(forked_worker, processing=process_trial)
