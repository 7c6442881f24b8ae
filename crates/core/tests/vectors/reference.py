#!/usr/bin/env python3
"""A second implementation of the specified choices, from their documentation alone. It prints the constants in
tests/machines/vectors.rs; `python3 reference.py` and compare."""
import hashlib
import hmac
import itertools
import struct


def u32(n):
    return struct.pack(">I", n)


def prefixed(parts):
    return b"".join(u32(len(p)) + p for p in parts)


class Choice:
    def __init__(self, seed, info):
        self.prk = hmac.new(b"fengjuan/choice/1", seed, hashlib.sha256).digest()
        self.info, self.words = prefixed(info), self.stream()

    def stream(self):
        for block in itertools.count():
            out, last, info = b"", b"", self.info + u32(block)
            for i in range(1, 33):
                last = hmac.new(self.prk, last + info + bytes([i]), hashlib.sha256).digest()
                out += last
            yield from struct.unpack(">256I", out)

    def below(self, n):
        if n <= 1:
            return 0
        fair = (2**32 // n) * n
        while True:
            word = next(self.words)
            if word < fair:
                return word % n

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    def sample(self, k, pool):
        pool = list(pool)
        k = min(k, len(pool))
        for i in range(k):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]


def bank():
    """(type, options, shuffle, point, case): 30 true/false, 30 single, 12 multiple, and cases of 2, 3, 3, 4."""
    items = [("tf", 2, False, f"K{i % 3}", None) for i in range(30)]
    items += [("single", 4, i % 5 != 0, f"K{i % 3}", None) for i in range(30)]
    items += [("multiple", 5, True, f"K{i % 3}", None) for i in range(12)]
    for case, size in (("C1", 2), ("C2", 3), ("C3", 3), ("C4", 4)):
        items += [("single", 4, True, f"K{i % 3}", case) for i in range(size)]
    return items


BLUEPRINT = [  # type, count, cases, quotas
    ("tf", 10, False, [("K1", 4)]),
    ("single", 8, False, [("K0", 2), ("K2", 3)]),
    ("multiple", 4, False, []),
    ("single", 7, True, [("K2", 2)]),
]


def draw(items, seed, sitting, ticket, attempt_no):
    choice = Choice(seed, [b"draw/1", sitting, ticket, u32(attempt_no)])
    used, chosen = set(), [[] for _ in BLUEPRINT]

    def pool(kind):
        return [i for i, it in enumerate(items) if it[0] == kind and it[4] is None and i not in used]

    for part, (kind, _, cases, quotas) in enumerate(BLUEPRINT):
        for point, count in [] if cases else quotas:
            have = sum(items[i][3] == point for i in chosen[part])
            new = choice.sample(max(0, count - have), [i for i in pool(kind) if items[i][3] == point])
            chosen[part] += new
            used |= set(new)
    for part, (kind, count, cases, quotas) in enumerate(BLUEPRINT):
        if not cases:
            new = choice.sample(count - len(chosen[part]), pool(kind))
            chosen[part] += new
            used |= set(new)
            choice.shuffle(chosen[part])
            continue
        names = sorted({it[4] for it in items if it[4]})
        groups = [[i for i, it in enumerate(items) if it[4] == name] for name in names]
        choice.shuffle(groups)

        def ok(flat):
            return len(flat) == count and all(sum(items[i][3] == p for i in flat) >= n for p, n in quotas)

        def possible(taken, rest):
            return any(
                ok(taken + sum(more, [])) for n in range(len(rest) + 1) for more in itertools.combinations(rest, n)
            )

        for at, group in enumerate(groups):
            if possible(chosen[part] + group, groups[at + 1 :]):
                chosen[part] += group
    slots = []
    for part, picked in enumerate(chosen):
        for i in picked:
            order = list(range(items[i][1]))
            if items[i][2]:
                choice.shuffle(order)
            slots.append((i, part, order))
    return slots


def paper_hash(slots):
    data = b"fengjuan/paper/1" + u32(len(slots))
    for item, part, order in slots:
        data += u32(item) + u32(part) + bytes([len(order)]) + bytes(order)
    return hashlib.sha256(data).hexdigest()


def snapshots(seed, sitting, attempt_id, started, ends, mean_s, least_s):
    choice, at, out = Choice(seed, [b"snapshot/1", sitting, attempt_id]), started, []
    while True:
        at += least_s * 1000 + choice.below(2 * (mean_s - least_s) * 1000 + 1)
        if at >= ends:
            return out
        out.append(at)


SEED = bytes(range(32))
first = Choice(SEED, [b"a", b"bc"])
print("WORDS_BELOW_1000", [first.below(1000) for _ in range(8)])
print("BELOW_3_000_000_000", [Choice(SEED, [bytes([i])]).below(3_000_000_000) for i in range(6)])
deep = Choice(SEED, [b"deep"])
print("BELOW_7_AT_2000", [deep.below(7) for _ in range(2008)][2000:])
row = list(range(10))
Choice(SEED, [b"shuffle"]).shuffle(row)
print("SHUFFLE_10", row)
print("SAMPLE_5_OF_100", Choice(SEED, [b"sample"]).sample(5, range(100)))
slots = draw(bank(), SEED, b"S-01", b"T-0001", 1)
print("PAPER_ITEMS", [s[0] for s in slots])
print("PAPER_HASH", paper_hash(slots))
print("PAPER_HASH_MAKEUP", paper_hash(draw(bank(), SEED, b"S-01", b"T-0001", 2)))
attempt = hashlib.sha256(prefixed([b"fengjuan/attempt/1", b"S-01", b"T-0001", u32(1)])).digest()[:16]
print("ATTEMPT_ID", attempt.hex())
print("TICKET_HASH", hashlib.sha256(prefixed([b"fengjuan/ticket/1", b"S-01", b"T-0001"])).hexdigest())
print("SNAPSHOTS", snapshots(SEED, b"S-01", attempt, 1_000_000, 1_000_000 + 3_600_000, 600, 120))
