"""A copy of the scripts that may be edited, and the code hashes of the jobs before and after."""

from hardpair.data import sources
from hardpair.figures import catalogue
from hardpair.staleness import code_hash, plan

LOSSES, SAMPLERS, CNN = "hardpair/losses", "hardpair/samplers", "hardpair/networks/cnn.py"
# As the rules hash them; training adds the variant's loss, sampler and network.
VARIANTS = {
    "train: ce": ("train.py", f"{LOSSES}/cross_entropy.py", f"{SAMPLERS}/uniform.py", CNN),
    "train: dfl": ("train.py", f"{LOSSES}/focal.py", f"{SAMPLERS}/uniform.py", CNN),
    "train: ce_sampler": ("train.py", f"{LOSSES}/cross_entropy.py", f"{SAMPLERS}/focal.py", CNN),
    "train: dfl_sampler": ("train.py", f"{LOSSES}/focal.py", f"{SAMPLERS}/focal.py", CNN),
    "run_trial": ("run_trial.py", f"{LOSSES}/cross_entropy.py", f"{SAMPLERS}/uniform.py", CNN),
}
FIGURES = {f"plot_figure: {name}": ("plot_figure.py", f"hardpair/figures/{name}.py") for name in catalogue.FIGURES if name != "final"}
FIGURES |= {"assemble_figure": ("assemble_figure.py", "hardpair/figures/final.py")}
SOURCES = {f"prepare_data: {kind}": ("prepare_data.py", f"hardpair/data/sources/{kind}.py") for kind in sources.kinds()}
OTHERS = ("choose_pairs", "split_data", "propose_trials", "select_recipe", "evaluate", "compare")
JOBS = VARIANTS | FIGURES | SOURCES | {name: (f"{name}.py",) for name in OTHERS}
JOBS |= {"write_report": ("write_report.py", *plan.report_parts())}


def forget():
    for function in (code_hash.code_hash, code_hash._digest, code_hash._module_files, code_hash._modules, code_hash._content):
        function.cache_clear()


def hashes(jobs=JOBS):
    forget()
    return {name: code_hash.code_hash(*jobs[name]) for name in jobs}


def by_content(memory, function, path):
    """Stands for functools.cache, which would not see an edit."""
    key = (function, path, path.read_bytes())
    if key not in memory:
        memory[key] = function(path)
    return memory[key]


class Tree:
    """A copy of the scripts that may be edited, and the hashes of jobs before."""

    def __init__(self, folder, original, memory):
        self.folder, self.original, self.memory, self.old = folder, original, memory, {}
        self.before = hashes()

    def read(self, file):
        return (self.folder / file).read_text()

    def write(self, file, text):
        path = self.folder / file
        if not path.exists():
            self.memory.clear()  # it has the files of imports
        self.old.setdefault(path, path.read_text() if path.exists() else None)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def edit(self, file, old, new):
        text = self.read(file)
        assert old in text, f"{file} has no {old!r}"
        self.write(file, text.replace(old, new, 1))

    def changed(self, jobs=JOBS):
        """Jobs whose hash is another than at first."""
        return {name for name, digest in hashes(jobs).items() if digest != self.before[name]}

    def restore(self):
        for path, text in self.old.items():
            path.unlink() if text is None else path.write_text(text)
        self.old.clear()
        forget()
