#!/usr/bin/env bash
# reasons.sh <source root>: every reason of a condition and every code of a finding that the code can say stands in the
# first column of a table of README.md or docs/findings.md, and nothing else stands there. They are the CamelCase
# literals of the rooms that say them; one that is neither has to be named below.
set -euo pipefail
export LC_ALL=C
cd "$1"
code=(engine/pipeline engine/postgres engine/cli engine/main.cpp operator/replication operator/api/conditions.h)
docs=(README.md docs/findings.md)

# Words of Kubernetes' objects, of the command line's help and of the spec, and names of products.
other=(AlloyDB Always Comparison Complete ConfigMap Consent ContainerCreating CredentialsSynced Delete Deployment DisruptionTarget
  ErrImagePull FailJob Failed Ignore In Job Logical Namespace Neon Never Output PerTable PodInitializing PodScheduled
  Ready Reconcile Reconciling Recreate ReplicaFailure Run RuntimeDefault Selection Snapshot SourceReleased Succeeded Sync Synced
  True)
# Reasons that Kubernetes gives and the operator passes on.
passed_on=(CreateContainerConfigError CreateContainerError InvalidImageName PodFailurePolicy RunContainerError)

lines() { printf '%s\n' "$@" | sort -u; }
word='[A-Z][a-z]+([A-Z][A-Za-z]*)*'
literals=$(grep -rhoE --include='*.cpp' --include='*.h' --exclude='*test.cpp' --exclude-dir=testing "\"$word\"" "${code[@]}" |
  tr -d '"' | sort -u)
documented=$(awk -F'|' '/^\|/ { print $2 }' "${docs[@]}" | grep -oE "\`$word\`" | tr -d "\`" | sort -u)

missing=$(comm -23 <(comm -23 <(echo "$literals") <(lines "${other[@]}")) <(echo "$documented"))
stale=$(comm -23 <(comm -23 <(echo "$documented") <(echo "$literals")) <(lines "${passed_on[@]}"))
unused=$(comm -23 <(lines "${other[@]}") <(echo "$literals"))
[[ -z $missing ]] || echo "no table of ${docs[*]} has:" $missing
[[ -z $stale ]] || echo "documented, and nothing says it:" $stale
[[ -z $unused ]] || echo "named in $0 as no reason, and nothing says it:" $unused
[[ -z $missing$stale$unused ]] || exit 1
echo "$(wc -l <<<"$documented") reasons and codes are documented"
