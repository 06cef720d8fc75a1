"""The papers beside the minutes: supplements, and the sheet with names that goes into nothing else."""

from collections.abc import Sequence
from dataclasses import replace

from app.minutes.blocks import (
    BOLD,
    ITALIC,
    PAGES,
    Block,
    Column,
    Paper,
    Recipients,
    Signatures,
    Table,
    heading,
    middle,
    text,
    texts,
)
from app.minutes.facts import Absence, Minutes, Supplement
from app.minutes.signing import refusals, signers
from app.minutes.wording import RECIPIENTS, SUBJECT, page_head
from app.minutes.written import DOTS, long_day, number_and_mark, short_day, two_digits


def supplement_paper(minutes: Minutes, supplement: Supplement, code: str = "") -> Paper:
    """«Biên bản bổ sung»: what is to be said after signing. It points to the minutes, which stay as they were signed; `code` is theirs."""
    about = SUBJECT.format(unit=minutes.unit_name or DOTS)
    numbered = number_and_mark(minutes.document_number).replace("Số: ", "số ")
    blocks: list[Block] = [
        *page_head(replace(minutes, document_number=supplement.document_number), "BIÊN BẢN BỔ SUNG", about),
        text(
            f"Biên bản này bổ sung lần {supplement.number} cho Biên bản {numbered}, "
            f"{long_day(minutes.visit_date)}, có mã {code or DOTS}. Nội dung biên bản đã ký được "
            "giữ nguyên; phần bổ sung ghi dưới đây."
        ),
        heading("1. Lý do bổ sung", 2),
        *(texts(supplement.reason) if supplement.reason.strip() else [text(f"{DOTS}{DOTS}{DOTS}")]),
        heading("2. Nội dung bổ sung", 2),
        *(texts(supplement.text) if supplement.text.strip() else [text(f"{DOTS}{DOTS}{DOTS}")]),
        *refusals(supplement.signatures),
        text(
            f"Biên bản bổ sung gồm {PAGES} trang, được lập thành {two_digits(minutes.copy_count)} bản có giá trị như nhau, đã đọc lại "
            "cho những người có tên dưới đây cùng nghe, công nhận đúng và ký tên./."
        ),
        Signatures(tuple(signers(replace(minutes, signatures=supplement.signatures)))),
        Recipients(RECIPIENTS),
    ]
    return Paper(f"Biên bản bổ sung: {about}", tuple(blocks), not supplement.signatures)


def absences_paper(minutes: Minutes, absences: Sequence[Absence]) -> Paper:
    """Phụ lục IV, a sheet by itself: who was absent without a reason. It goes into no other paper and no export."""
    blocks: tuple[Block, ...] = (
        middle("LƯU HÀNH HẠN CHẾ", BOLD, 13),
        middle("Phụ lục IV", BOLD, 14, after=2),
        middle("DANH SÁCH NGƯỜI VẮNG MẶT KHÔNG LÝ DO", BOLD, 14, after=2),
        middle(
            f"(Kèm theo Biên bản ngày {short_day(minutes.visit_date) or DOTS} tại {minutes.unit_name or DOTS})",
            ITALIC,
            13,
        ),
        Table(
            (
                Column("STT", 0.08, "center"),
                Column("Họ và tên", 0.27),
                Column("Chức vụ", 0.22),
                Column("Phòng, bộ phận", 0.22),
                Column("Ghi chú", 0.21),
            ),
            tuple((str(n), a.name, a.post, a.room, a.remark) for n, a in enumerate(absences, 1)),
        ),
    )
    return Paper("Phụ lục IV, lưu hành hạn chế", blocks, not minutes.is_signed)
