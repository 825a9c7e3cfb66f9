#!/usr/bin/env bash
# Both ends are compared after the snapshot, for each request and by a schedule: a row that somebody changed on the target is
# told by its key until it is mended, and the stream goes on meanwhile.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

verify() { in_namespace patch replication shop --type=merge -p "{\"spec\":{\"verify\":{$1}}}" >/dev/null; }
verified() { status_is shop .verify.state "$1"; }
answered() { status_is shop .verify.requestID "$1" && verified "$2"; } # REQUEST STATE
mismatch() { status_of shop ".verify.mismatches[0]$1"; }
event_of() { [[ -n $(in_namespace get events -o name --field-selector="reason=$1") ]]; }
shows() { [[ $(in_namespace get replications) == *" $1 "* ]]; }
# The comparison's own slot is a temporary one.
one_slot() { [[ $(slots) == 1 ]]; }

begin
prepare_stream 18
# A table without a key cannot be followed, nor compared beside a stream, unless its whole rows are its identity.
psql_as_superuser source shop -c 'ALTER TABLE "Mixed Case" REPLICA IDENTITY FULL'
AFTER_SNAPSHOT=true follow_stream </dev/null
wait_until 120 "both ends are compared after the snapshot, and equal" verified Equal
expect "by itself" status_is shop .verify.trigger AfterSnapshot
expect "Verified is True" condition_is shop Verified True
expect "an Event tells of it" event_of Verified
expect "kubectl get shows it" shows Equal
wait_until 30 "it leaves no slot" one_slot

psql_as_superuser source shop -c "INSERT INTO load SELECT i, 0 FROM generate_series(1, 100) i"
wait_until 30 "the rows of load are on the target" arrived "$(mark)"
psql_as_superuser target shop -c "UPDATE load SET n = 99 WHERE id = 7"
verify '"requestID":"first"'
wait_until 120 "a row that was changed on the target is found" answered first Mismatch
expect "its table" test "$(mismatch .table)" = shop.public.load
expect "its key" test "$(mismatch .key)" = id=7
expect "its column" test "$(mismatch .columns[0])" = n
expect "it differs" test "$(mismatch .kind)" = Differs
expect "one table differs" status_is shop .verify.tablesMismatched 1
expect "Verified is False" condition_is shop Verified False
expect "Ready is False" condition_is shop Ready False
expect "for this reason" reason_is shop Ready VerifyMismatch
expect "which names the row" condition_says shop Ready id=7
expect "Stalled is True" condition_is shop Stalled True
expect "an Event tells of it" event_of VerifyMismatch
expect "kubectl get shows it" shows Mismatch
wait_until 30 "the stream goes on" arrived "$(mark)"

verify '"onMismatch":"Report"'
wait_ready shop
expect "Verified is False all the same" condition_is shop Verified False
verify '"onMismatch":"Degrade"'
wait_until 30 "Ready is False again" condition_is shop Ready False

psql_as_superuser target shop -c "UPDATE load SET n = 0 WHERE id = 7"
verify '"requestID":"second"'
wait_until 120 "with the row mended both ends are equal" answered second Equal
wait_ready shop
expect "nothing is listed any more" test -z "$(mismatch .table)"
expect_equal_content shop

verify '"schedule":"soon"'
wait_until 30 "a schedule that is none is refused" reason_is shop Stalled InvalidSpec
expect "with its field" condition_says shop Stalled spec.verify.schedule
verify '"schedule":"* * * * *"'
wait_until 180 "the next minute's comparison is made" status_is shop .verify.trigger Schedule
wait_until 120 "and finds both ends equal" verified Equal
wait_ready shop

expect "the password was told nowhere" never_told "$SERVER_PASSWORD"
in_namespace delete replication shop --timeout=180s >/dev/null
expect "no slot is left" no_slots
wait_until 30 "its Jobs are gone" no_jobs
