# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes that other deploy tools make, and the test that shows that this one does not. Here only: that these tests are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
ROLLBACK, FAILURE = "integration/deploy/test_rollback.py", "integration/deploy/test_failure.py"
TRANSACTION, GATE = "integration/deploy/test_transaction.py", "unit/plugins/module_utils/test_gate.py"

MISTAKES = [
    ("rollback chosen by file times, to and fro", ROLLBACK, "test_back_to_the_last_known_good_and_then_one_further_not_to_and_fro"),
    ("removes the release that is active", "unit/release/test_state.py", "test_last_known_good"),
    ("leaves a release live that failed after its activation", FAILURE, "test_failed_second_wave_turns_the_first_back"),
    ("one service fails, the others stay switched", FAILURE, "test_failed_second_wave_turns_the_first_back"),
    ("old code with today's environment", ROLLBACK, "test_from_a_half_finished_deployment"),
    ("version has to be typed in an incident", ROLLBACK, "test_back_to_the_last_known_good_and_then_one_further_not_to_and_fro"),
    ("Ctrl-C leaves a lock that somebody has to remove", "integration/deploy/test_kill.py", "test_interrupted_by_the_user"),
    ("lock that goes stale", "unit/test_lock.py", "test_decide"),
    ("two runs get the lock at once", "unit/test_lock.py", "test_of_many_processes_at_once_one_gets_it"),
    ("a deployment that was killed is missing in the history", ROLLBACK, "test_from_a_half_finished_deployment"),
    ("a refused run has no reason in the history", TRANSACTION, "test_reason_of_a_refused_run_stands_in_the_history"),
    ("starts a service before what it needs", "integration/deploy/test_playbooks.py", "test_restart_of_everything_in_start_order"),
    ("infrastructure is not proven first", "integration/deploy/test_bad_servers.py", "test_postgres_down"),
    ("silent minutes", FAILURE, "test_slow_start_is_waited_for_and_shown"),
    ("waits without end", GATE, "test_hanging_endpoints_end_by_the_deadline"),
    ("trusts the first good answer", GATE, "test_successes_have_to_be_consecutive"),
    ("flapping counts as healthy", GATE, "test_flapping_service_never_passes_but_says_why"),
    ("healthy for a moment is enough", "integration/deploy/test_settle.py", "test_last_wave_that_dies_after_its_gate"),
    ("running counts as healthy, whichever release runs", "integration/deploy/test_tampering.py",
     "test_process_that_runs_another_release_is_replaced"),
    ("check mode fails on an empty host", "integration/deploy/test_selection.py",
     "test_check_on_a_fresh_host_predicts_the_deployment_and_writes_nothing"),
    ("environment files for everybody to read", "integration/deploy/test_secrets.py", "test_files"),
    ("damaged files are activated", ROLLBACK, "test_release_whose_library_was_changed_by_hand"),
    ("a wrong checksum is not noticed", "integration/deploy/test_bad_inputs.py", "test_on_a_deployed_host"),
    ("clean-up destroys the evidence", FAILURE, "test_failed_release_is_kept_as_evidence_and_its_last_words_were_shown"),
    ("clean-up never happens", "integration/deploy/test_deploy.py", "test_bounded_number_of_releases_is_kept"),
    ("rollback goes one too far after a failed deployment", ROLLBACK, "test_from_a_release_that_failed_its_gate_and_never_back_to_it"),
    ("rollback goes one too far after an interrupted one", TRANSACTION,
     "test_rollback_after_an_interrupted_deployment_takes_back_what_it_touched"),
    ("lands on a failed release", FAILURE, "test_failed_release_is_no_way_back"),
    ("an outage marks a good release as bad", TRANSACTION, "test_failed_restart_of_a_good_release_is_not_its_fault"),
    ("old code starts silently on a newer schema", "integration/deploy/test_schema_guard.py", "test_schema_guard"),
    ("code goes back and its schema does not", "integration/deploy/test_take_back.py", "test_one_database_with_its_service"),
    ("a half failed rollback leaves services down", "integration/deploy/test_take_back.py", "test_failure_after_the_stop"),
    ("a full disk prevents the rollback", TRANSACTION, "test_rollback_on_a_full_disk"),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "file", "name"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistake_has_a_test(mistake: str, file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (TESTS / file).read_text(encoding="utf-8"), re.M), f"{mistake}: {file} has no {name}"
