"""feng2018's future work, as its section 4.2 lists it: noise, a deep autoencoder, smaller layers.

Runs beside the paper's own experiment where the setting ``extras`` says so; nothing here decides a
claim.
"""

from imgcomp.papers.feng2018.extras.experiment import EXTRA_OPTIONS, extra_stages
from imgcomp.papers.feng2018.extras.findings import extra_findings
from imgcomp.papers.feng2018.extras.numbers import Extras

__all__ = ["EXTRA_OPTIONS", "Extras", "extra_findings", "extra_stages"]
