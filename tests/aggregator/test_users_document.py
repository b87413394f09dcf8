"""docs/users.md says what each role may, as the program has it."""

from pathlib import Path

from aggregator.domain.roles import PERMISSIONS, Permission, Role

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "users.md").read_text()


def test_the_table_of_permissions_is_right() -> None:
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| `")]
    found = {row[0].strip("`"): [cell == "yes" for cell in row[2:]] for row in rows}
    assert found == {str(one): [one in PERMISSIONS[role] for role in Role] for one in Permission}
