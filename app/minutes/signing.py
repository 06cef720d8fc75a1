"""Who signs a paper and how it was done, and who would not."""

from collections.abc import Iterator, Sequence

from app.minutes.blocks import REGULAR, Block, Paragraph, Signer
from app.minutes.content import bare_name
from app.minutes.facts import Minutes, Signature
from app.minutes.written import DOTS, clock, ended, here, short_day

POSTS = {
    "unit_representative": "ĐẠI DIỆN ĐƠN VỊ ĐƯỢC KIỂM TRA",
    "team_secretary": "NGƯỜI GHI BIÊN BẢN",
    "team_leader": "TRƯỞNG ĐOÀN",
    "witness": "NGƯỜI CHỨNG KIẾN",
}


def refusals(signatures: Sequence[Signature]) -> Iterator[Block]:
    """Who would not sign is written down, and stops nothing."""
    for refused in (s for s in signatures if s.method == "refused"):
        who = ", ".join(part for part in (refused.name, refused.post) if part) or DOTS
        role = POSTS.get(refused.role, "").lower()
        told = f"{who} ({role}) không ký biên bản. Lý do: {ended(refused.reason or DOTS)}".replace("\n", " ")
        yield Paragraph(((told, REGULAR),))


def signers(minutes: Minutes) -> Iterator[Signer]:
    """The three who sign, then everybody else who signed or is to witness."""
    more = []
    for role in ("unit_representative", "team_secretary", "team_leader"):
        signed = [s for s in minutes.signatures if s.role == role]
        first = signed[0] if signed else None
        names = [bare_name(p.name) for p in minutes.of_role(role)]
        yield Signer(POSTS[role], _signed(first), first.name if first else names[0] if names else "", first)
        more += [Signer(POSTS[role], _signed(s), s.name, s) for s in signed[1:]]
    witnesses = {s.name: s for s in minutes.signatures if s.role == "witness"}
    for name in dict.fromkeys([*(bare_name(p.name) for p in minutes.of_role("witness")), *witnesses]):
        more.append(Signer(POSTS["witness"], _signed(witnesses.get(name)), name, witnesses.get(name)))
    yield from more


def _signed(signature: Signature | None) -> str:
    """How somebody signed, under their post."""
    if signature is None:
        return "(Ký, ghi rõ họ tên)"
    at = (
        f" lúc {clock(signature.signed_at)}, {short_day(here(signature.signed_at).date().isoformat())}"
        if signature.signed_at
        else ""
    )
    return {
        "on_paper": "(Ký trên bản giấy)",
        "drawn_on_screen": f"(Ký trên màn hình{at})",
        "digital_certificate": f"(Ký số{at})",
        "refused": "(Không ký)",
    }.get(signature.method, "")
