"""SCIP's prototypes in ``cpp/scip_api.h`` against those that PySCIPOpt was compiled with.

They are written down by hand, since PySCIPOpt brings no headers; a wrong one would read rubbish off
the stack. ``scip.pxd``, which it does bring, has most of them; of the others it is written down
here what the headers of SCIP say.
"""

import re
from pathlib import Path

import pyscipopt

HEADER = Path(__file__).parents[2] / "kida" / "cpp" / "scip_api.h"
PXD = Path(pyscipopt.__file__).parent / "scip.pxd"

#: As the headers of SCIP declare what PySCIPOpt does not; callbacks by what SCIP calls them.
NOT_IN_PXD = """
    SCIP_Bool SCIPisStopped(SCIP* scip)
    void SCIPwarningMessage(SCIP* scip, const char* formatstr, ...)
    void SCIPmessageSetErrorPrintingDefault(void)
    int SCIPconshdlrGetNActiveConss(SCIP_CONSHDLR* conshdlr)
    SCIP_RETCODE SCIPincludeBranchruleBasic(SCIP* scip, SCIP_BRANCHRULE** branchruleptr, const char* name, const char* desc, int priority, int maxdepth, SCIP_Real maxbounddist, SCIP_BRANCHRULEDATA* branchruledata)
    SCIP_RETCODE SCIPsetBranchruleExecLp(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHEXEC branchexeclp)
    SCIP_RETCODE SCIPsetBranchruleExecExt(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHEXEC branchexecext)
    SCIP_RETCODE SCIPsetBranchruleExecPs(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHEXEC branchexecps)
    SCIP_RETCODE SCIPsetBranchruleCopy(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHCALLBACK branchcopy)
    SCIP_RETCODE SCIPsetBranchruleFree(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHCALLBACK branchfree)
    SCIP_RETCODE SCIPsetBranchruleInit(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHCALLBACK branchinit)
    SCIP_RETCODE SCIPsetBranchruleInitsol(SCIP* scip, SCIP_BRANCHRULE* branchrule, BRANCHCALLBACK branchinitsol)
    SCIP_RETCODE SCIPincludeEventhdlrBasic(SCIP* scip, SCIP_EVENTHDLR** eventhdlrptr, const char* name, const char* desc, EVENTEXEC eventexec, SCIP_EVENTHDLRDATA* eventhdlrdata)
    SCIP_RETCODE SCIPsetEventhdlrInit(SCIP* scip, SCIP_EVENTHDLR* eventhdlr, EVENTCALLBACK eventinit)
    SCIP_RETCODE SCIPsetEventhdlrExit(SCIP* scip, SCIP_EVENTHDLR* eventhdlr, EVENTCALLBACK eventexit)
    SCIP_RETCODE SCIPsetEventhdlrFree(SCIP* scip, SCIP_EVENTHDLR* eventhdlr, EVENTCALLBACK eventfree)
    SCIP_RETCODE SCIPexecRelpscostBranching(SCIP* scip, SCIP_VAR** branchcands, SCIP_Real* branchcandssol, SCIP_Real* branchcandsfrac, int nbranchcands, SCIP_Bool executebranching, SCIP_RESULT* result)
    SCIP_RETCODE SCIPincludeHeurBasic(SCIP* scip, SCIP_HEUR** heur, const char* name, const char* desc, char dispchar, int priority, int freq, int freqofs, int maxdepth, unsigned int timingmask, SCIP_Bool usessubscip, HEUREXEC heurexec, SCIP_HEURDATA* heurdata)
    SCIP_RETCODE SCIPsetHeurFree(SCIP* scip, SCIP_HEUR* heur, HEURCALLBACK heurfree)
    SCIP_RETCODE SCIPincludeNodeselBasic(SCIP* scip, SCIP_NODESEL** nodesel, const char* name, const char* desc, int stdpriority, int memsavepriority, NODESELSELECT nodeselselect, NODESELCOMPARE nodeselcomp, SCIP_NODESELDATA* nodeseldata)
    SCIP_RETCODE SCIPsetNodeselFree(SCIP* scip, SCIP_NODESEL* nodesel, NODESELCALLBACK nodeselfree)
    SCIP_Real SCIPgetTransObjscale(SCIP* scip)
    SCIP_Real SCIPgetVarPseudocostCount(SCIP* scip, SCIP_VAR* var, SCIP_BRANCHDIR dir)
    SCIP_BRANCHRULE** SCIPgetBranchrules(SCIP* scip)
    int SCIPgetNBranchrules(SCIP* scip)
    int SCIPbranchruleGetPriority(SCIP_BRANCHRULE* branchrule)
    SCIP_VAR* SCIPfindVar(SCIP* scip, const char* name)
    int SCIPvarGetProbindex(SCIP_VAR* var)
    int SCIPcolGetVarProbindex(SCIP_COL* col)
    SCIP_Real SCIPgetBranchScore(SCIP* scip, SCIP_VAR* var, SCIP_Real downgain, SCIP_Real upgain)
    SCIP_Real SCIPgetVarPseudocostVal(SCIP* scip, SCIP_VAR* var, SCIP_Real solvaldelta)
    SCIP_Real SCIPgetVarPseudocostCountCurrentRun(SCIP* scip, SCIP_VAR* var, SCIP_BRANCHDIR dir)
    SCIP_Real SCIPgetVarConflictScore(SCIP* scip, SCIP_VAR* var)
    SCIP_Real SCIPgetVarAvgInferenceScore(SCIP* scip, SCIP_VAR* var)
    SCIP_Real SCIPgetVarAvgCutoffScore(SCIP* scip, SCIP_VAR* var)
    SCIP_Real SCIPgetAvgConflictScore(SCIP* scip)
    SCIP_Real SCIPgetAvgInferenceScore(SCIP* scip)
    SCIP_Real SCIPgetAvgCutoffScore(SCIP* scip)
    SCIP_Longint SCIPgetNNodeLPs(SCIP* scip)
    SCIP_Longint SCIPgetNConflictConssApplied(SCIP* scip)
    SCIP_Bool SCIPisPrimalboundSol(SCIP* scip)
    SCIP_SOL* SCIPeventGetSol(SCIP_EVENT* event)
    SCIP_Real SCIPcomputeGap(SCIP_Real eps, SCIP_Real inf, SCIP_Real primalbound, SCIP_Real dualbound)
    SCIP_RETCODE SCIPcreateDatatree(SCIP* scip, SCIP_DATATREE** datatree, int capacity)
    void SCIPfreeDatatree(SCIP* scip, SCIP_DATATREE** datatree)
    SCIP_RETCODE SCIPdatatreeGetReal(SCIP_DATATREE* datatree, const char* name, SCIP_Real* value)
    SCIP_RETCODE SCIPcollectTreeStatistics(SCIP* scip, SCIP_DATATREE* datatree)
    SCIP_Real SCIPgetPseudocostCount(SCIP* scip, SCIP_BRANCHDIR dir, SCIP_Bool onlycurrentrun)
    SCIP_Real SCIPgetPseudocostVariance(SCIP* scip, SCIP_BRANCHDIR branchdir, SCIP_Bool onlycurrentrun)
    SCIP_Real SCIPgetAvgPseudocostScore(SCIP* scip)
    SCIP_Real SCIPgetVarConflictlengthScore(SCIP* scip, SCIP_VAR* var)
    SCIP_Real SCIPgetAvgConflictlengthScore(SCIP* scip)
    SCIP_Real SCIPgetAvgCutoffs(SCIP* scip, SCIP_BRANCHDIR dir)
    SCIP_Real SCIPgetAvgInferences(SCIP* scip, SCIP_BRANCHDIR dir)
    SCIP_Real SCIPgetVarAvgCutoffsCurrentRun(SCIP* scip, SCIP_VAR* var, SCIP_BRANCHDIR dir)
    SCIP_Real SCIPgetVarAvgConflictlengthCurrentRun(SCIP* scip, SCIP_VAR* var, SCIP_BRANCHDIR dir)
    SCIP_Real SCIPgetVarAvgInferencesCurrentRun(SCIP* scip, SCIP_VAR* var, SCIP_BRANCHDIR dir)
    SCIP_Real SCIPvarGetAvgBranchdepthCurrentRun(SCIP_VAR* var, SCIP_BRANCHDIR dir)
    int SCIPvarGetNImpls(SCIP_VAR* var, SCIP_Bool varfixing)
    int SCIPvarGetNCliques(SCIP_VAR* var, SCIP_Bool varfixing)
    int SCIPgetNCliques(SCIP* scip)
    SCIP_Bool SCIPvarIsNegated(SCIP_VAR* var)
    SCIP_VAR* SCIPvarGetNegationVar(SCIP_VAR* var)
    SCIP_Real SCIPvarGetNegationConstant(SCIP_VAR* var)
    SCIP_RETCODE SCIPgetProbvarLinearSum(SCIP* scip, SCIP_VAR** vars, SCIP_Real* scalars, int* nvars, int varssize, SCIP_Real* constant, int* requiredsize)
"""  # noqa: E501

#: What is one type to a compiler: SCIP's names for numbers, and enumerations.
NUMBERS = {
    "scip_bool": "unsigned int",
    "bool": "unsigned int",
    "scip_real": "double",
    "real": "double",
    "scip_longint": "long long",
    "longint": "long long",
    "scip_retcode": "int",
    "retcode": "int",
    "scip_eventtype": "uint64",
    "std::uint64_t": "uint64",
}
ENUMERATIONS = (
    "scip_stage",
    "scip_vartype",
    "scip_impltype",
    "scip_implinttype",
    "scip_lpsolstat",
    "scip_basestat",
    "scip_branchdir",
    "scip_result",
    "scip_paramtype",
    "scip_boundtype",
    "scip_objsense",
)


def plain_type(text: str) -> str:
    """Return a parameter's or a result's type without its name, as far as a call depends on it."""
    pointers = text.count("*")
    words = [word for word in text.replace("*", " ").lower().split() if word != "const"]
    while len(words) > 1 and " ".join(words) not in ("unsigned int", "long long"):
        words.pop()  # the parameter's name
    kind = " ".join(words)
    kind = "int" if kind in ENUMERATIONS else NUMBERS.get(kind, kind)
    return kind + "*" * pointers


def split(parameters: str) -> list[str]:
    text = " ".join(parameters.split())
    return [plain_type(part) for part in text.split(",")] if text and text != "void" else []


def declared(text: str) -> dict[str, set[tuple[str, tuple[str, ...]]]]:
    """Return name to the result's type and the parameters' of C declarations, a line each."""
    found: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    pattern = re.compile(r"^ +((?:const )?[A-Za-z_]\w*(?: long)? ?\**) *(SCIP\w+) *\(", re.M)
    for match in pattern.finditer(text):
        end, depth = match.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        prototype = plain_type(match[1]), tuple(split(text[match.end() : end - 1]))
        found.setdefault(match[2], set()).add(prototype)
    return found


def ours() -> dict[str, tuple[str, tuple[str, ...]]]:
    text = HEADER.read_text()
    lists = text[text.index("#define KIDA_SCIP_FUNCTIONS") : text.index("#define KIDA_DECLARE")]
    lists = re.sub(r"/\*.*?\*/|//[^\n]*", " ", lists.replace("\\\n", " "))
    pattern = re.compile(r"X\(([^,()]+), (SCIP\w+),\s*\(([^()]*)\)\)")
    return {m[2]: (plain_type(m[1]), tuple(split(m[3]))) for m in pattern.finditer(lists)}


def test_every_prototype_is_scips() -> None:
    mine = ours()
    assert len(mine) == HEADER.read_text().count("  X(")
    by_pyscipopt, by_hand = declared(PXD.read_text()), declared(NOT_IN_PXD)
    # What a newer PySCIPOpt declares itself need not be written down here.
    assert not by_pyscipopt.keys() & by_hand.keys()
    theirs = by_pyscipopt | by_hand
    # PySCIPOpt 6.2 declares fewer.
    assert mine.keys() <= theirs.keys() or not hasattr(pyscipopt.Model, "getFocusNode")
    for name in mine.keys() & theirs.keys():
        assert theirs[name] == {mine[name]}, name
