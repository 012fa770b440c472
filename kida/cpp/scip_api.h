// SCIP's C interface as far as kida needs it, resolved at run time.
//
// The libscip inside PySCIPOpt's wheel exports every function and ships no headers, so the
// prototypes are declared here with opaque structures, and looked up by name in the libraries
// that PySCIPOpt, or the program that uses libkida, has already loaded. To use one more SCIP
// function, add a line to the list below. Enumerations whose values may change between SCIP
// versions are read from PySCIPOpt, where there is one (Constants).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

struct Scip;
struct SCIP_Branchrule;
struct SCIP_BranchruleData;
struct SCIP_Conshdlr;
struct SCIP_Cons;
struct SCIP_Event;
struct SCIP_EventData;
struct SCIP_Eventhdlr;
struct SCIP_EventhdlrData;
struct SCIP_Col;
struct SCIP_Datatree;
struct SCIP_Domchg;
struct SCIP_Heur;
struct SCIP_HeurData;
struct SCIP_Node;
struct SCIP_Nodesel;
struct SCIP_NodeselData;
struct SCIP_Param;
struct SCIP_Row;
struct SCIP_Sol;
struct SCIP_Var;

namespace kida::scip {

using Bool = unsigned int;
using Real = double;
using Longint = long long;
using Retcode = int;

inline constexpr Retcode okay = 1;
inline constexpr Retcode error = 0;

using BranchExec = Retcode (*)(Scip*, SCIP_Branchrule*, Bool allow_constraints, int* result);
using BranchCallback = Retcode (*)(Scip*, SCIP_Branchrule*);
using EventExec = Retcode (*)(Scip*, SCIP_Eventhdlr*, SCIP_Event*, SCIP_EventData*);
using EventCallback = Retcode (*)(Scip*, SCIP_Eventhdlr*);
using HeurExec = Retcode (*)(Scip*, SCIP_Heur*, unsigned int timing, Bool infeasible, int* result);
using HeurCallback = Retcode (*)(Scip*, SCIP_Heur*);
using NodeselSelect = Retcode (*)(Scip*, SCIP_Nodesel*, SCIP_Node** selected);
using NodeselCompare = int (*)(Scip*, SCIP_Nodesel*, SCIP_Node*, SCIP_Node*);
using NodeselCallback = Retcode (*)(Scip*, SCIP_Nodesel*);

// clang-format off
#define KIDA_SCIP_FUNCTIONS(X)                                                                     \
  X(int, SCIPmajorVersion, ())                                                                     \
  /* numbers */                                                                                    \
  X(Real, SCIPinfinity, (Scip*))                                                                   \
  X(Real, SCIPepsilon, (Scip*))                                                                    \
  X(Real, SCIPfeastol, (Scip*))                                                                    \
  /* solving process */                                                                            \
  X(Real, SCIPgetDualbound, (Scip*))                                                               \
  X(Real, SCIPgetPrimalbound, (Scip*))                                                             \
  X(Real, SCIPgetSolvingTime, (Scip*))                                                             \
  X(Longint, SCIPgetNTotalNodes, (Scip*))                                                          \
  X(Longint, SCIPgetNNodes, (Scip*))                                                               \
  X(Longint, SCIPgetNLPIterations, (Scip*))                                                        \
  X(Longint, SCIPgetNStrongbranchLPIterations, (Scip*))                                            \
  X(Longint, SCIPgetNLPs, (Scip*))                                                                 \
  X(int, SCIPgetDepth, (Scip*))                                                                    \
  X(Bool, SCIPisStopped, (Scip*))                                                                  \
  X(Retcode, SCIPsolve, (Scip*))                                                                   \
  X(Retcode, SCIPinterruptSolve, (Scip*))                                                          \
  X(SCIP_Conshdlr*, SCIPfindConshdlr, (Scip*, const char*))                                        \
  X(int, SCIPconshdlrGetNActiveConss, (SCIP_Conshdlr*))                                            \
  X(SCIP_Cons**, SCIPgetOrigConss, (Scip*)) \
  X(int, SCIPgetNOrigConss, (Scip*)) \
  X(SCIP_Conshdlr*, SCIPconsGetHdlr, (SCIP_Cons*)) \
  X(int, SCIPgetStage, (Scip*))                                                                    \
  /* parameters and messages */                                                                    \
  X(SCIP_Param*, SCIPgetParam, (Scip*, const char*))                                               \
  X(int, SCIPparamGetType, (SCIP_Param*))                                                          \
  X(Bool, SCIPparamGetBool, (SCIP_Param*))                                                         \
  X(int, SCIPparamGetInt, (SCIP_Param*))                                                           \
  X(Longint, SCIPparamGetLongint, (SCIP_Param*))                                                   \
  X(Real, SCIPparamGetReal, (SCIP_Param*))                                                         \
  X(char, SCIPparamGetChar, (SCIP_Param*))                                                         \
  X(Retcode, SCIPsetBoolParam, (Scip*, const char*, Bool))                                         \
  X(Retcode, SCIPsetIntParam, (Scip*, const char*, int))                                           \
  X(Retcode, SCIPsetLongintParam, (Scip*, const char*, Longint))                                   \
  X(Retcode, SCIPsetRealParam, (Scip*, const char*, Real))                                         \
  X(Retcode, SCIPsetCharParam, (Scip*, const char*, char))                                         \
  X(void, SCIPwarningMessage, (Scip*, const char*, ...))                                           \
  X(void, SCIPmessageSetErrorPrintingDefault, ())                                                  \
  /* plugins */                                                                                    \
  X(SCIP_Branchrule*, SCIPfindBranchrule, (Scip*, const char*))                                    \
  X(SCIP_Branchrule**, SCIPgetBranchrules, (Scip*))                                                \
  X(int, SCIPgetNBranchrules, (Scip*))                                                             \
  X(int, SCIPbranchruleGetPriority, (SCIP_Branchrule*))                                            \
  X(Retcode, SCIPincludeBranchruleBasic,                                                           \
    (Scip*, SCIP_Branchrule**, const char*, const char*, int, int, Real, SCIP_BranchruleData*))    \
  X(Retcode, SCIPsetBranchruleExecLp, (Scip*, SCIP_Branchrule*, BranchExec))                       \
  X(Retcode, SCIPsetBranchruleExecExt, (Scip*, SCIP_Branchrule*, BranchExec))                      \
  X(Retcode, SCIPsetBranchruleExecPs, (Scip*, SCIP_Branchrule*, BranchExec))                       \
  X(Retcode, SCIPsetBranchruleCopy, (Scip*, SCIP_Branchrule*, BranchCallback))                     \
  X(Retcode, SCIPsetBranchruleFree, (Scip*, SCIP_Branchrule*, BranchCallback))                     \
  X(Retcode, SCIPsetBranchruleInit, (Scip*, SCIP_Branchrule*, BranchCallback))                     \
  X(Retcode, SCIPsetBranchruleInitsol, (Scip*, SCIP_Branchrule*, BranchCallback))                  \
  X(SCIP_BranchruleData*, SCIPbranchruleGetData, (SCIP_Branchrule*))                               \
  X(Retcode, SCIPincludeEventhdlrBasic,                                                            \
    (Scip*, SCIP_Eventhdlr**, const char*, const char*, EventExec, SCIP_EventhdlrData*))           \
  X(Retcode, SCIPsetEventhdlrInit, (Scip*, SCIP_Eventhdlr*, EventCallback))                        \
  X(Retcode, SCIPsetEventhdlrExit, (Scip*, SCIP_Eventhdlr*, EventCallback))                        \
  X(Retcode, SCIPsetEventhdlrFree, (Scip*, SCIP_Eventhdlr*, EventCallback))                        \
  X(SCIP_EventhdlrData*, SCIPeventhdlrGetData, (SCIP_Eventhdlr*))                                  \
  X(SCIP_Eventhdlr*, SCIPfindEventhdlr, (Scip*, const char*))                                      \
  X(Retcode, SCIPcatchEvent, (Scip*, std::uint64_t, SCIP_Eventhdlr*, SCIP_EventData*, int*))       \
  X(std::uint64_t, SCIPeventGetType, (SCIP_Event*))                                                \
  X(SCIP_Sol*, SCIPeventGetSol, (SCIP_Event*))                                                     \
  X(Retcode, SCIPdropEvent, (Scip*, std::uint64_t, SCIP_Eventhdlr*, SCIP_EventData*, int))         \
  /* heuristics and node selection */                                                              \
  X(Retcode, SCIPincludeHeurBasic,                                                                 \
    (Scip*, SCIP_Heur**, const char*, const char*, char, int, int, int, int, unsigned int, Bool,   \
     HeurExec, SCIP_HeurData*))                                                                    \
  X(Retcode, SCIPsetHeurFree, (Scip*, SCIP_Heur*, HeurCallback))                                   \
  X(SCIP_HeurData*, SCIPheurGetData, (SCIP_Heur*))                                                 \
  X(Retcode, SCIPincludeNodeselBasic,                                                              \
    (Scip*, SCIP_Nodesel**, const char*, const char*, int, int, NodeselSelect, NodeselCompare,     \
     SCIP_NodeselData*))                                                                           \
  X(Retcode, SCIPsetNodeselFree, (Scip*, SCIP_Nodesel*, NodeselCallback))                          \
  X(SCIP_NodeselData*, SCIPnodeselGetData, (SCIP_Nodesel*))                                        \
  X(Retcode, SCIPgetOpenNodesData,                                                                 \
    (Scip*, SCIP_Node***, SCIP_Node***, SCIP_Node***, int*, int*, int*))                           \
  X(SCIP_Node*, SCIPgetBestboundNode, (Scip*))                                                     \
  X(Longint, SCIPnodeGetNumber, (SCIP_Node*))                                                      \
  X(Real, SCIPnodeGetLowerbound, (SCIP_Node*))                                                     \
  /* variables and columns */                                                                      \
  X(SCIP_Var*, SCIPfindVar, (Scip*, const char*))                                                  \
  X(SCIP_Var**, SCIPgetVars, (Scip*))                                                              \
  X(int, SCIPgetNVars, (Scip*))                                                                    \
  X(int, SCIPvarGetType, (SCIP_Var*))                                                              \
  X(Bool, SCIPvarIsInLP, (SCIP_Var*))                                                              \
  X(int, SCIPvarGetProbindex, (SCIP_Var*))                                                         \
  X(SCIP_Col*, SCIPvarGetCol, (SCIP_Var*))                                                         \
  X(Real, SCIPvarGetObj, (SCIP_Var*))                                                              \
  X(Real, SCIPvarGetLbOriginal, (SCIP_Var*))                                                       \
  X(Real, SCIPvarGetUbOriginal, (SCIP_Var*))                                                       \
  X(Real, SCIPvarGetLbLocal, (SCIP_Var*))                                                          \
  X(Real, SCIPvarGetUbLocal, (SCIP_Var*))                                                          \
  X(Real, SCIPvarGetLPSol, (SCIP_Var*))                                                            \
  X(Real, SCIPvarGetAvgSol, (SCIP_Var*))                                                           \
  X(Retcode, SCIPcreatePartialSol, (Scip*, SCIP_Sol**, SCIP_Heur*))                                \
  X(Retcode, SCIPsetSolVal, (Scip*, SCIP_Sol*, SCIP_Var*, Real))                                   \
  X(Retcode, SCIPaddSolFree, (Scip*, SCIP_Sol**, Bool*))                                           \
  X(Retcode, SCIPfreeSol, (Scip*, SCIP_Sol**))                                                     \
  X(Real, SCIPgetSolVal, (Scip*, SCIP_Sol*, SCIP_Var*))                                            \
  X(SCIP_Sol*, SCIPgetBestSol, (Scip*))                                                            \
  X(Real, SCIPgetTransObjscale, (Scip*))                                                           \
  X(Real, SCIPgetObjNorm, (Scip*))                                                                 \
  X(Real, SCIPgetColRedcost, (Scip*, SCIP_Col*))                                                   \
  X(int, SCIPcolGetAge, (SCIP_Col*))                                                               \
  X(int, SCIPcolGetBasisStatus, (SCIP_Col*))                                                       \
  X(int, SCIPcolGetVarProbindex, (SCIP_Col*))                                                      \
  /* rows */                                                                                       \
  X(Retcode, SCIPgetLPRowsData, (Scip*, SCIP_Row***, int*))                                        \
  X(Real, SCIProwGetLhs, (SCIP_Row*))                                                              \
  X(Real, SCIProwGetRhs, (SCIP_Row*))                                                              \
  X(Real, SCIProwGetConstant, (SCIP_Row*))                                                         \
  X(Real, SCIProwGetNorm, (SCIP_Row*))                                                             \
  X(Real, SCIProwGetDualsol, (SCIP_Row*))                                                          \
  X(int, SCIProwGetAge, (SCIP_Row*))                                                               \
  X(int, SCIProwGetNLPNonz, (SCIP_Row*))                                                           \
  X(SCIP_Col**, SCIProwGetCols, (SCIP_Row*))                                                       \
  X(Real*, SCIProwGetVals, (SCIP_Row*))                                                            \
  X(Real, SCIPgetRowLPActivity, (Scip*, SCIP_Row*))                                                \
  X(int, SCIProwGetLPPos, (SCIP_Row*))                                                             \
  X(int, SCIPgetNLPRows, (Scip*))                                                                  \
  X(SCIP_Row**, SCIPcolGetRows, (SCIP_Col*))                                                       \
  X(Real*, SCIPcolGetVals, (SCIP_Col*))                                                            \
  X(int, SCIPcolGetNLPNonz, (SCIP_Col*))                                                           \
  X(SCIP_Var*, SCIPcolGetVar, (SCIP_Col*))                                                         \
  X(Retcode, SCIPgetLPColsData, (Scip*, SCIP_Col***, int*))                                        \
  /* branching */                                                                                  \
  X(int, SCIPgetLPSolstat, (Scip*))                                                                \
  X(Real, SCIPgetLPObjval, (Scip*))                                                                \
  X(Bool, SCIPallColsInLP, (Scip*))                                                                \
  X(Retcode, SCIPgetLPBranchCands, (Scip*, SCIP_Var***, Real**, Real**, int*, int*, int*))         \
  X(Retcode, SCIPgetPseudoBranchCands, (Scip*, SCIP_Var***, int*, int*))                           \
  X(Retcode, SCIPbranchVar, (Scip*, SCIP_Var*, SCIP_Node**, SCIP_Node**, SCIP_Node**))             \
  /* candidates (permuted), their values, fractionalities, number; whether to branch */             \
  X(Retcode, SCIPexecRelpscostBranching, (Scip*, SCIP_Var**, Real*, Real*, int, Bool, int*))       \
  X(Retcode, SCIPupdateNodeLowerbound, (Scip*, SCIP_Node*, Real))                                  \
  X(Retcode, SCIPgetChildren, (Scip*, SCIP_Node***, int*))                                         \
  X(void, SCIPnodeGetParentBranchings, (SCIP_Node*, SCIP_Var**, Real*, int*, int*, int))           \
  X(Longint, SCIPgetVarStrongbranchNode, (Scip*, SCIP_Var*))                                       \
  X(Retcode, SCIPstartStrongbranch, (Scip*, Bool))                                                 \
  X(Retcode, SCIPendStrongbranch, (Scip*))                                                         \
  X(Retcode, SCIPgetVarStrongbranchFrac,                                                           \
    (Scip*, SCIP_Var*, int, Bool, Real*, Real*, Bool*, Bool*, Bool*, Bool*, Bool*, Bool*, Bool*))  \
  X(Retcode, SCIPgetVarStrongbranchInt,                                                            \
    (Scip*, SCIP_Var*, int, Bool, Real*, Real*, Bool*, Bool*, Bool*, Bool*, Bool*, Bool*, Bool*))  \
  X(Real, SCIPgetBranchScore, (Scip*, SCIP_Var*, Real, Real))                                      \
  X(Real, SCIPgetBranchScoreMultiple, (Scip*, SCIP_Var*, int, Real*))                              \
  X(Retcode, SCIPupdateVarPseudocost, (Scip*, SCIP_Var*, Real, Real, Real))                        \
  X(Real, SCIPgetVarPseudocostScore, (Scip*, SCIP_Var*, Real))                                     \
  X(Real, SCIPgetVarPseudocostVal, (Scip*, SCIP_Var*, Real))                                       \
  X(Real, SCIPgetVarPseudocostCount, (Scip*, SCIP_Var*, int))                                      \
  X(Real, SCIPgetVarPseudocostCountCurrentRun, (Scip*, SCIP_Var*, int))                            \
  X(Real, SCIPgetVarConflictScore, (Scip*, SCIP_Var*))                                             \
  X(Real, SCIPgetVarAvgInferenceScore, (Scip*, SCIP_Var*))                                         \
  X(Real, SCIPgetVarAvgCutoffScore, (Scip*, SCIP_Var*))                                            \
  X(Real, SCIPgetAvgConflictScore, (Scip*))                                                        \
  X(Real, SCIPgetAvgInferenceScore, (Scip*))                                                       \
  X(Real, SCIPgetAvgCutoffScore, (Scip*))                                                          \
  /* tree */                                                                                       \
  X(int, SCIPgetNRuns, (Scip*))                                                                    \
  X(int, SCIPgetMaxDepth, (Scip*))                                                                 \
  X(int, SCIPgetPlungeDepth, (Scip*))                                                              \
  X(int, SCIPgetNNodesLeft, (Scip*))                                                               \
  X(Longint, SCIPgetNBacktracks, (Scip*))                                                          \
  X(Longint, SCIPgetNObjlimLeaves, (Scip*))                                                        \
  X(Longint, SCIPgetNFeasibleLeaves, (Scip*))                                                      \
  X(Longint, SCIPgetNInfeasibleLeaves, (Scip*))                                                    \
  X(Longint, SCIPgetNNodeLPs, (Scip*))                                                             \
  X(Longint, SCIPgetNConflictConssApplied, (Scip*))                                                \
  X(Real, SCIPcomputeGap, (Real, Real, Real, Real))                                                \
  X(Real, SCIPgetSolOrigObj, (Scip*, SCIP_Sol*))                                                   \
  X(Real, SCIPgetGap, (Scip*))                                                                     \
  X(Real, SCIPgetPrimalDualIntegral, (Scip*))                                                      \
  X(Real, SCIPgetLowerbound, (Scip*))                                                              \
  X(Real, SCIPgetLowerboundRoot, (Scip*))                                                          \
  X(Real, SCIPgetUpperbound, (Scip*))                                                              \
  X(Bool, SCIPisPrimalboundSol, (Scip*))                                                           \
  X(SCIP_Node*, SCIPgetFocusNode, (Scip*))                                                         \
  X(int, SCIPnodeGetDepth, (SCIP_Node*))                                                           \
  X(SCIP_Domchg*, SCIPnodeGetDomchg, (SCIP_Node*))                                                 \
  X(int, SCIPdomchgGetNBoundchgs, (SCIP_Domchg*))                                                  \
  X(Retcode, SCIPcreateDatatree, (Scip*, SCIP_Datatree**, int))                                    \
  X(void, SCIPfreeDatatree, (Scip*, SCIP_Datatree**))                                              \
  X(Retcode, SCIPdatatreeGetReal, (SCIP_Datatree*, const char*, Real*))                            \
  X(Retcode, SCIPcollectTreeStatistics, (Scip*, SCIP_Datatree*))                                   \
  /* history of variables */                                                                       \
  X(Real, SCIPgetVarPseudocost, (Scip*, SCIP_Var*, int))                                           \
  X(Real, SCIPgetPseudocostCount, (Scip*, int, Bool))                                              \
  X(Real, SCIPgetPseudocostVariance, (Scip*, int, Bool))                                           \
  X(Real, SCIPgetAvgPseudocostScore, (Scip*))                                                      \
  X(Real, SCIPgetVarConflictlengthScore, (Scip*, SCIP_Var*))                                       \
  X(Real, SCIPgetAvgConflictlengthScore, (Scip*))                                                  \
  X(Real, SCIPgetAvgCutoffs, (Scip*, int))                                                         \
  X(Real, SCIPgetAvgInferences, (Scip*, int))                                                      \
  X(Real, SCIPgetVarAvgCutoffsCurrentRun, (Scip*, SCIP_Var*, int))                                 \
  X(Real, SCIPgetVarAvgConflictlengthCurrentRun, (Scip*, SCIP_Var*, int))                          \
  X(Real, SCIPgetVarAvgInferencesCurrentRun, (Scip*, SCIP_Var*, int))                              \
  X(Real, SCIPvarGetAvgBranchdepthCurrentRun, (SCIP_Var*, int))                                    \
  X(Real, SCIPvarGetCutoffSum, (SCIP_Var*, int))                                                   \
  X(Longint, SCIPvarGetNBranchings, (SCIP_Var*, int))                                              \
  X(Longint, SCIPvarGetNBranchingsCurrentRun, (SCIP_Var*, int))                                    \
  X(int, SCIPvarGetNImpls, (SCIP_Var*, Bool))                                                      \
  X(int, SCIPvarGetNCliques, (SCIP_Var*, Bool))                                                    \
  X(int, SCIPgetNCliques, (Scip*))                                                                 \
  /* problem */                                                                                    \
  X(int, SCIPgetObjsense, (Scip*))                                                                 \
  X(int, SCIPgetNBinVars, (Scip*))                                                                 \
  X(int, SCIPgetNIntVars, (Scip*))                                                                 \
  X(int, SCIPvarGetIndex, (SCIP_Var*))                                                             \
  X(Real, SCIPvarGetLbGlobal, (SCIP_Var*))                                                         \
  X(Real, SCIPvarGetUbGlobal, (SCIP_Var*))                                                         \
  X(Bool, SCIPvarIsNegated, (SCIP_Var*))                                                           \
  X(SCIP_Var*, SCIPvarGetNegationVar, (SCIP_Var*))                                                 \
  X(Real, SCIPvarGetNegationConstant, (SCIP_Var*))                                                 \
  X(Retcode, SCIPgetProbvarLinearSum,                                                              \
    (Scip*, SCIP_Var**, Real*, int*, int, Real*, int*))                                            \
  X(SCIP_Cons**, SCIPgetConss, (Scip*))                                                            \
  X(int, SCIPgetNConss, (Scip*))                                                                   \
  X(Retcode, SCIPgetConsNVars, (Scip*, SCIP_Cons*, int*, Bool*))                                   \
  X(Retcode, SCIPgetConsVars, (Scip*, SCIP_Cons*, SCIP_Var**, int, Bool*))                         \
  X(Retcode, SCIPgetConsVals, (Scip*, SCIP_Cons*, Real*, int, Bool*))                              \
  X(Real, SCIPconsGetLhs, (Scip*, SCIP_Cons*, Bool*))                                              \
  X(Real, SCIPconsGetRhs, (Scip*, SCIP_Cons*, Bool*))                                              \
  X(int, SCIPvarGetImplType, (SCIP_Var*))                                                          \
  X(const char*, SCIPvarGetName, (SCIP_Var*))
// clang-format on

#define KIDA_DECLARE(result, name, arguments) extern result(*name) arguments;
KIDA_SCIP_FUNCTIONS(KIDA_DECLARE)
#undef KIDA_DECLARE

// Values of SCIP's enumerations: as the loaded PySCIPOpt knows them, or as they are in SCIP 10.
struct Constants {
  int result_didnotrun = 1;
  int result_branched = 13;
  int result_reduced_domain = 10;
  int lpsolstat_optimal = 1;
  int basestat_lower = 0;
  int basestat_basic = 1;
  int basestat_upper = 2;
  int stage_init = 0;
  int stage_problem = 1;
  int stage_presolved = 7;
  int stage_solving = 9;
  int stage_solved = 10;
  std::uint64_t event_dual_bound_improved = 0x01000000;
  std::uint64_t event_best_solution_found = 0x10000000;
  std::uint64_t event_node_branched = 0x00400000;
  std::uint64_t event_first_lp_solved = 0x02000000;

  template <typename Visitor>
  void visit(Visitor&& visitor) {
    visitor("result_didnotrun", result_didnotrun);
    visitor("result_branched", result_branched);
    visitor("result_reduced_domain", result_reduced_domain);
    visitor("lpsolstat_optimal", lpsolstat_optimal);
    visitor("basestat_lower", basestat_lower);
    visitor("basestat_basic", basestat_basic);
    visitor("basestat_upper", basestat_upper);
    visitor("stage_init", stage_init);
    visitor("stage_problem", stage_problem);
    visitor("stage_presolved", stage_presolved);
    visitor("stage_solving", stage_solving);
    visitor("stage_solved", stage_solved);
    visitor("event_dual_bound_improved", event_dual_bound_improved);
    visitor("event_best_solution_found", event_best_solution_found);
    visitor("event_node_branched", event_node_branched);
    visitor("event_first_lp_solved", event_first_lp_solved);
  }
};
extern Constants constants;

// SCIP_VARTYPE, SCIP_BRANCHDIR and SCIP_PARAMTYPE have had these values since SCIP 1; PySCIPOpt
// does not expose them all.
enum VariableType : int { binary = 0, integer = 1, implicit_integer = 2, continuous = 3 };
enum BranchDirection : int { downwards = 0, upwards = 1 };
enum ParameterType : int {
  bool_parameter = 0,
  int_parameter = 1,
  longint_parameter = 2,
  real_parameter = 3,
  char_parameter = 4,
  string_parameter = 5
};

// Resolve every function in the extension module at `path` (PySCIPOpt's, already loaded) and the
// libraries it depends on. Throws std::runtime_error naming what is missing or unsupported.
void connect(const std::string& path, const Constants& values, int major_versions_min,
             int major_versions_max);

// The same in the one SCIP library that this process has loaded, whoever loaded it and however,
// with the constants of SCIP 10. Throws also if there is none, or a choice of several. May be
// called again, and checks again.
void connect_to_loaded();

// Whether one of them has succeeded.
bool connected();

// Throw if a SCIP call failed. For use outside of SCIP's callbacks' own error handling.
inline void check(Retcode retcode, const char* call) {
  if (retcode != okay) {
    throw std::runtime_error(std::string(call) + " failed with SCIP return code " +
                             std::to_string(retcode));
  }
}
#define KIDA_CALL(call) ::kida::scip::check((call), #call)

}  // namespace kida::scip
