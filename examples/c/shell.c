/* The interactive shell of SCIP, with a learned branching rule in it: the arguments are those of
 * `scip`, and the policy is named by the environment.
 *
 *   KIDA_POLICY=models/set_cover ./shell -f problem.mps
 *
 * There is no problem yet when the policy is included, so one that brings starting values for a
 * problem's variables, as "kida tune" may leave, is refused.
 */
#include <kida.h>
#include <stdio.h>
#include <stdlib.h>

#include "scip_subset.h"

int main(int argc, char** argv) {
  SCIP* scip = NULL;
  const char* policy = getenv("KIDA_POLICY");
  int failed = 0;

  if (SCIPcreate(&scip) != SCIP_OKAY || SCIPincludeDefaultPlugins(scip) != SCIP_OKAY) return 1;
  if (policy != NULL && kida_include(scip, policy) != SCIP_OKAY) {
    fprintf(stderr, "shell: %s\n", kida_last_error());
    failed = 2;
  }
  if (failed == 0) failed = SCIPprocessShellArguments(scip, argc, argv, "scip.set") != SCIP_OKAY;
  if (SCIPfree(&scip) != SCIP_OKAY) return 1;
  return failed;
}
