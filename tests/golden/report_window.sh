#!/bin/sh
# Restricted to times and processes.
. tests/golden/report.inc

ask report faults alpha.db --from 14:03:09 --to +5s
ask report faults alpha.db --at 2026-05-01T14:03:07 --comm demo
ask report vmscan alpha.db --from -6s --to -3s
ask report vmscan alpha.db --pid 42,43 --from +4s --to +6s
ask report leaks alpha.db --pid 43
ask report leaks alpha.db --top 1 --comm demo
ask report overview alpha.db --pid 43
ask report leaks alpha.db --from +2s
finish
