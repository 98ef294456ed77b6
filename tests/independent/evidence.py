"""An evidence file of given readings (docs/evidence.md, ADR 2).

Nobody signs it: a bill is made from what blocks commit to, and who signed is the auditor's question.
"""

import hmac

from octets import cbor, sha256, tree

FIELDS = 38         # of a leaf of format 1; a leaf of format 2 that knows one of the two more has 40
ENERGY, REACTIVE, REGISTER, REACTIVE_REGISTER = 34, 35, 36, 37
ES256 = -7
LONGEST = 96


def reading_octets(number, row, leaf_format):
    fields = [None] * FIELDS
    fields[ENERGY], fields[REACTIVE] = row.wh, row.varh
    fields[REGISTER], fields[REACTIVE_REGISTER] = row.register, row.reactive_register
    if leaf_format == 2 and number % 5:     # neutral current, events; every fifth reading knows neither
        fields += [None if number % 5 == 1 else number * 37 % 4000, None if number % 5 == 2 else number % 64]
    return cbor([number, row.end, *fields])


class Block:
    """Consecutive readings of one meter."""

    def __init__(self, number, rows, step, seed):
        self.rows = rows
        leaf_format = 1 + seed[0] % 2
        self.readings = [reading_octets(number + i, row, leaf_format) for i, row in enumerate(rows)]
        self.leaves = [sha256(b"\x00", self._salt(seed, i), r) for i, r in enumerate(self.readings)]
        header = cbor([rows[0].serial, number, len(rows), rows[0].end, step, 0, 1, leaf_format,
                       tree(self.leaves)])
        self.evidence = cbor([header, ES256, bytes(64), seed])

    @staticmethod
    def _salt(seed, index):
        return hmac.digest(seed, b"sealgrid-salt-v1" + index.to_bytes(4, "big"), "sha256")[:16]

    def octets(self):
        return (b"\x83" + cbor(self.evidence) + cbor(b"".join(self.leaves)) +
                cbor(self.readings)[:-sum(len(cbor(r)) for r in self.readings)] + b"".join(self.readings))


def blocks_of(rows, step):
    """Runs of neighbouring intervals of one meter; numbers go on over them."""
    blocks, run, number = [], [], 1
    for row in sorted(rows, key=lambda r: r.end) + [None]:
        follows = run and row and row.serial == run[-1].serial and row.end == run[-1].end + step
        if run and (not follows or len(run) == LONGEST):
            blocks.append(Block(number, run, step, sha256(b"seed", number.to_bytes(8, "big"))))
            number += len(run)
            run = []
        run.append(row)
    return blocks


def evidence_file(client, begin, until, blocks):
    return (b"\x85" + cbor("sealgrid-evidence-v1") + cbor(client) + cbor(begin) + cbor(until) +
            cbor([None] * len(blocks))[:-len(blocks) or None] + b"".join(b.octets() for b in blocks))
