# shellcheck shell=bash
# A private Faktory and our programs in front of it, for a test script: sourced, from the root of the
# tree, in place of tests/support/suite.sh, which it brings along with tools/stack.sh.
#
# The script starts what it needs (stack_faktory, stack_api, stack_worker), calls stack_stop itself
# when it wants to hear how that went, and then suite_end. However it ends, what it started ends too
# and $suite_dir is removed; a script with something else to end sets a trap of its own instead.
# Settings in the environment of whoever runs the test do not reach the programs.

# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh
# shellcheck source=tools/stack.sh
. tools/stack.sh

# shellcheck disable=SC2034 # for tools/stack.sh and the script
WF_BIN=$WF_BUILD/bin
stack_forget_settings FAKTORY_ BATCH_ WORKER_ API_ LOG_ BIND_ADDR WF_API_URL WF_TIMEOUT NO_COLOR
stack_init "$suite_dir/stack"
trap 'stack_stop; rm -rf "$suite_dir"' EXIT
trap 'exit 143' INT TERM
