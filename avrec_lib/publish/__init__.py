"""What a chapter needs to speak to its readers: claims, players, figures, exercises.

The build itself (running chapters, the record, the pages) lives in the other
modules of this package, and no chapter imports it.
"""

from avrec_lib.publish.ledger import claim, claim_better

__all__ = ["claim", "claim_better"]
