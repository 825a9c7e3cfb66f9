# shellcheck shell=bash
# What scenarios of two operators share, sourced after scenario.sh.

in_operators() { kubectl -n "$OPERATOR_NAMESPACE" "$@"; }
holder() { in_operators get lease tributary-operator -o 'jsonpath={.spec.holderIdentity}'; }
both_ready() { [[ $(in_operators get deployment tributary-operator -o 'jsonpath={.status.readyReplicas}') == 2 ]]; }
one_of_two_leads() { [[ $(holder) ]] && both_ready; }
