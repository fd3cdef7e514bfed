#!/usr/bin/env python3
"""Verifies receipts of a WorldLand broker: signatures, figures, and that none is missing.

It shares no code with the broker and needs nothing but Python 3.8: Keccak-256, EIP-712 and secp256k1 are in this file.

  verify-receipts.py FILE...                        files of JSON: receipts, keys, or what the API answers with
  verify-receipts.py --api URL --token-file FILE    asks the broker; FILE has the bearer token

Exit codes: 0 all is right; 1 something is wrong; 2 cannot be read; 3 nothing is wrong, but some are not signed yet.
"""
import argparse
import json
import re
import sys
import time
import urllib.request
from datetime import datetime, timezone

# ---- Keccak-256, as Ethereum has it: not SHA3-256, which pads otherwise.
MASK = (1 << 64) - 1
ROTATIONS = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]


def round_constants():
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            if register & 1:
                constant |= 1 << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


CONSTANTS = round_constants()


def rotated(value, by):
    return ((value << by) | (value >> (64 - by))) & MASK if by else value


def permuted(a):
    for constant in CONSTANTS:
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[(x - 1) % 5] ^ rotated(c[(x + 1) % 5], 1) for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = rotated(a[x][y] ^ d[x], ROTATIONS[x][y])
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & MASK & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        a[0][0] ^= constant
    return a


def keccak(data):
    rate = 136
    data += b"\x01" + bytes(-(len(data) + 1) % rate)
    data = data[:-1] + bytes([data[-1] | 0x80])
    a = [[0] * 5 for _ in range(5)]
    for at in range(0, len(data), rate):
        for lane in range(rate // 8):
            a[lane % 5][lane // 5] ^= int.from_bytes(data[at + 8 * lane : at + 8 * lane + 8], "little")
        a = permuted(a)
    return b"".join(a[lane % 5][lane // 5].to_bytes(8, "little") for lane in range(4))


# ---- secp256k1: who signed. Points are (x, y, z) in Jacobian coordinates; z = 0 is infinity.
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    1,
)


def doubled(p):
    x, y, z = p
    if not z or not y:
        return (0, 1, 0)
    s = 4 * x * y * y % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return (x3, (m * (s - x3) - 8 * pow(y, 4, P)) % P, 2 * y * z % P)


def added(p, q):
    if not p[2]:
        return q
    if not q[2]:
        return p
    z1, z2 = p[2] * p[2] % P, q[2] * q[2] % P
    u1, u2 = p[0] * z2 % P, q[0] * z1 % P
    s1, s2 = p[1] * z2 * q[2] % P, q[1] * z1 * p[2] % P
    if u1 == u2:
        return doubled(p) if s1 == s2 else (0, 1, 0)
    h, r = u2 - u1, s2 - s1
    h2, h3 = h * h % P, pow(h, 3, P)
    x = (r * r - h3 - 2 * u1 * h2) % P
    return (x, (r * (u1 * h2 - x) - s1 * h3) % P, h * p[2] * q[2] % P)


def times(k, p):
    total = (0, 1, 0)
    for bit in bin(k)[2:]:
        total = doubled(total)
        if bit == "1":
            total = added(total, p)
    return total


def signer_of(digest, signature):
    """The address whose key signed, in lower case; None if the signature is none."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{130}", signature):
        return None
    r, s, v = int(signature[2:66], 16), int(signature[66:130], 16), int(signature[130:], 16)
    v = v - 27 if v >= 27 else v
    if not (0 < r < N and 0 < s <= N // 2 and v in (0, 1)):
        return None
    square = (pow(r, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    point = (r, y if y % 2 == v else P - y, 1)
    inverse = pow(r, N - 2, N)
    x, y, z = added(times(s * inverse % N, point), times(-int.from_bytes(digest, "big") * inverse % N, G))
    if not z:
        return None
    inverse = pow(z, P - 2, P)
    x, y = x * inverse * inverse % P, y * pow(inverse, 3, P) % P
    return "0x" + keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:].hex()


# ---- The type that is signed, written out here: whatever types an answer names, these count.
FIELDS = (
    "string audience,address customer,uint64 number,bytes32 previous,string jobId,uint32 revision,bytes32 orderHash,"
    "string providerId,address payee,string resources,uint256 ratePerHour,uint64 readyAtMs,uint64 servedUntilMs,"
    "Gap[] gaps,uint64 billedMs,uint256 reserved,uint256 charged,uint16 feeBps,uint256 fee,uint256 earned,"
    "string outcome,uint64 issuedAtMs"
)
GAP = "Gap(uint64 fromMs,uint64 toMs)"
RECEIPT = "JobReceipt(" + FIELDS + ")" + GAP
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
ZERO_HASH, ZERO_ADDRESS = "0x" + "0" * 64, "0x" + "0" * 40


class Wrong(Exception):
    pass


def whole(value, bits):
    if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,77}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise Wrong(f"{str(value)[:80]} is no whole number of {bits} bits")
    return value


def word(kind, value):
    """One field as its 32 bytes."""
    if kind.startswith("uint"):
        return whole(value, int(kind[4:])).to_bytes(32, "big")
    if kind == "Gap[]":
        if not isinstance(value, list):
            raise Wrong("the gaps are no list")
        return keccak(b"".join(keccak(keccak(GAP.encode()) + word("uint64", g["fromMs"]) + word("uint64", g["toMs"])) for g in value))
    if not isinstance(value, str):
        raise Wrong(f"{value} is no text")
    if kind == "string":
        return keccak(value.encode("utf-8"))
    digits = {"address": 40, "bytes32": 64}[kind]
    if not re.fullmatch(f"0x[0-9a-fA-F]{{{digits}}}", value):
        raise Wrong(f"{value[:80]} is no {kind}")
    return int(value, 16).to_bytes(32, "big")


def digest_of(domain, message):
    names = [field.split(" ")[1] for field in FIELDS.split(",")]
    if set(message) != set(names):
        raise Wrong("its fields are not those of a receipt: " + ", ".join(sorted(set(message) ^ set(names))))
    if domain.get("name") != "WorldLand Receipt" or domain.get("version") != "1" or domain.get("verifyingContract") != ZERO_ADDRESS:
        raise Wrong("its domain is not that of receipts")
    of_domain = keccak(DOMAIN.encode()) + keccak(b"WorldLand Receipt") + keccak(b"1")
    of_domain += word("uint256", domain.get("chainId")) + bytes(32)
    words = b"".join(word(kind, message[name]) for kind, name in (field.split(" ") for field in FIELDS.split(",")))
    return keccak(b"\x19\x01" + keccak(of_domain) + keccak(keccak(RECEIPT.encode()) + words))


# ---- What must be true of one receipt.
def figure_problems(m):
    n = {name: whole(m[name], 256) for name in ("ratePerHour", "reserved", "charged", "fee", "earned")}
    ready, until, billed, bps = (whole(m[name], 64) for name in ("readyAtMs", "servedUntilMs", "billedMs", "feeBps"))
    at, missed = ready, 0
    if until < ready:
        yield "its service ends before it begins"
    for gap in m["gaps"]:
        begin, end = whole(gap["fromMs"], 64), whole(gap["toMs"], 64)
        if begin < at or end <= begin or end > until:
            yield f"its gap from {begin} to {end} is out of order, or not within the time of service"
        at, missed = end, missed + end - begin
    if billed != until - ready - missed:
        yield f"it bills {billed} ms, but {until} - {ready} - {missed} of gaps is {until - ready - missed}"
    due = min(n["ratePerHour"] * billed // 3600000, n["reserved"])
    if n["charged"] > due or (whole(m["revision"], 32) == 0 and n["charged"] != due):
        yield f"it charges {n['charged']}, but {billed} ms at {n['ratePerHour']} per hour cost {due}"
    if n["fee"] != n["charged"] * bps // 10000:
        yield f"the fee is {n['fee']}, but {bps} / 10000 of {n['charged']} are {n['charged'] * bps // 10000}"
    if n["earned"] != n["charged"] - n["fee"]:
        yield f"the provider earns {n['earned']}, but {n['charged']} - {n['fee']} is {n['charged'] - n['fee']}"
    try:
        sorted_text = json.dumps(json.loads(m["resources"]), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        sorted_text = None
    if sorted_text != m["resources"]:
        yield "its resources are not JSON with its keys in order"


def ms_of(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp() * 1000)


def signature_problems(row, digest, issued, keys):
    signers = [(s.get("signer", "").lower(), signer_of(digest, s.get("signature", ""))) for s in row.get("signatures", [])]
    for named, found in signers:
        if found is None or named != found:
            yield f"a signature that names {named} was not made by it"
    good = {found for named, found in signers if found is not None and named == found}
    valid = {
        k["address"].lower()
        for k in keys
        if ms_of(k["from"]) <= issued and (k.get("until") is None or issued < ms_of(k["until"]))
    }
    known = {k["address"].lower() for k in keys}
    if not good & valid:
        yield "it was signed by no key of the broker" + (" that was valid when it was issued" if good & known else "")


# ---- What must be true of one receipt after the other.
def chain_problems(found):
    before, jobs = None, {}
    for digest, m in sorted(found, key=lambda pair: pair[1]["number"]):
        number, expected = m["number"], 1 if before is None else before[1]["number"] + 1
        if number < expected:
            yield f"there is more than one receipt with number {number}"
        elif number > expected:
            yield f"receipt {expected} is missing" if number == expected + 1 else f"receipts {expected} to {number - 1} are missing"
        elif m["previous"].lower() != (ZERO_HASH if before is None else before[0]):
            yield f"receipt {number} does not follow the receipt before it: one of them was replaced"
        yield from revision_problems(m, jobs.get(m["jobId"]))
        jobs[m["jobId"]] = m
        before = (digest, m)


def revision_problems(m, first):
    name = f"receipt {m['number']}"
    if m["revision"] != (0 if first is None else first["revision"] + 1):
        yield f"{name} is revision {m['revision']} of its job, after " + ("none" if first is None else f"revision {first['revision']}")
    elif first is not None:
        may_change = ("number", "previous", "revision", "payee", "charged", "fee", "earned", "issuedAtMs")
        for field in [field for field in m if field not in may_change and m[field] != first[field]]:
            yield f"{name} is a refund, and changes {field}"
        if int(m["charged"]) >= int(first["charged"]):
            yield f"{name} is a refund, and gives nothing back"


def statement_problems(found, statement):
    span = statement.get("receipts")
    if span is None:
        return
    last = whole(span.get("last") or 0, 64)
    first = whole(span.get("first") or last + 1, 64)
    latest, net, digests = {}, 0, {}
    for digest, m in sorted(found, key=lambda pair: pair[1]["number"]):
        amount, before = int(m["charged"]), latest.get(m["jobId"])
        digests[m["number"]] = digest
        latest[m["jobId"]] = amount
        # A refund has the corrected total of its job.
        if first <= m["number"] <= last:
            net += amount - (before or 0)
    due = int(statement["charged"]) - int(statement["refunded"]) - int(statement.get("without_receipt", 0))
    if due != net:
        yield f"the statement has {due} charged by receipts {first} to {last}, which come to {net}"
    if last > 0 and digests.get(last) != (span.get("last_digest") or "").lower():
        yield f"the statement ends with another receipt {last}" if last in digests else f"receipt {last} is missing, with which the statement ends"


# ---- Reading.
def gathered(value, into):
    """Finds receipts, keys and statements in what a file has, however they are wrapped."""
    if isinstance(value, list):
        for item in value:
            gathered(item, into)
    elif isinstance(value, dict) and "typed_data" in value:
        into["receipts"].append(value)
    elif isinstance(value, dict) and "address" in value and "from" in value:
        into["keys"].append(value)
    elif isinstance(value, dict) and "opening" in value and "closing" in value:
        into["statements"].append(value)
    elif isinstance(value, dict):
        for name in ("receipts", "keys", "statements", "items"):
            gathered(value.get(name), into)


def fetched(api, token, into):
    def read(path):
        headers = {"accept": "application/json", "authorization": "Bearer " + token}
        with urllib.request.urlopen(urllib.request.Request(api.rstrip("/") + path, headers=headers), timeout=30) as reply:
            return json.load(reply)

    gathered(read("/api/v1/receipts/keys"), into)
    # Before the receipts, so that it names none that they do not have yet.
    gathered(read("/api/v1/billing/statements/" + time.strftime("%Y-%m", time.gmtime())), into)
    cursor = ""
    while cursor is not None:
        page = read("/api/v1/receipts?limit=100" + (f"&cursor={cursor}" if cursor else ""))
        gathered(page, into)
        cursor = page.get("next_cursor")


def checked(row, keys):
    """The digest, the message, what is wrong with them, and whether it is still to be signed."""
    typed = row["typed_data"]
    message = typed["message"]
    digest = digest_of(typed["domain"], message)
    problems = list(figure_problems(message))
    text = "0x" + digest.hex()
    if row.get("digest", text).lower() != text:
        problems.append(f"its digest is {text}, not {row['digest']}")
    is_pending = not row.get("signatures")
    if not is_pending:
        problems += signature_problems(row, digest, whole(message["issuedAtMs"], 64), keys)
    return text, message, problems, is_pending


def verify(given, some, audience):
    problems, pending, chains = [], 0, {}
    for at, row in enumerate(given["receipts"]):
        try:
            digest, message, found, is_pending = checked(row, given["keys"])
        except (Wrong, KeyError, TypeError, AttributeError, ValueError) as error:
            problems.append(f"entry {at + 1} is no receipt: {error}")
            continue
        name = f"receipt {message['number']} of {message['customer'].lower()}"
        problems += [f"{name}: {problem}" for problem in found]
        if audience and message["audience"] != audience:
            problems.append(f"{name}: it is of {message['audience']}, not of {audience}")
        pending += is_pending
        chains.setdefault(message["customer"].lower(), {})[digest] = message
    for customer, found in sorted(chains.items()):
        pairs = list(found.items())
        if not some:
            problems += [f"{customer}: {problem}" for problem in chain_problems(pairs)]
        for at, statement in enumerate(given["statements"] if len(chains) == 1 else []):
            try:
                problems += statement_problems(pairs, statement)
            except (Wrong, KeyError, TypeError, AttributeError, ValueError) as error:
                problems.append(f"statement {at + 1} cannot be read: {error}")
    return problems, pending


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--api", metavar="URL", help="the broker")
    parser.add_argument("--token-file", metavar="FILE")
    parser.add_argument("--audience", metavar="URL", help="of which broker all receipts must be")
    parser.add_argument("--some", action="store_true", help="these are not all receipts of a customer: look for no holes")
    asked = parser.parse_args()
    given = {"receipts": [], "keys": [], "statements": []}
    try:
        for name in asked.files:
            with open(name, encoding="utf-8") as file:
                gathered(json.load(file), given)
        if asked.api:
            with open(asked.token_file or "", encoding="utf-8") as file:
                fetched(asked.api, file.read().strip(), given)
        if not given["receipts"]:
            raise ValueError("there is no receipt in what was given")
    except (OSError, ValueError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    problems, pending = verify(given, asked.some, asked.audience)
    for problem in problems:
        print(problem)
    count = len(given["receipts"])
    if pending:
        print(f"{pending} of {count} not signed yet")
    if not problems:
        print(f"{count} receipt{'' if count == 1 else 's'}: nothing is wrong")
    return 1 if problems else 3 if pending else 0


if __name__ == "__main__":
    sys.exit(main())
