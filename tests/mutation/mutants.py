"""Small wrong changes to a module, each made in its syntax tree, one at a time.

Texts for people are left as they are, and so are docstrings, types, decorators and assertions.
SQL is mutated as text: rules about money stand in it.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

Edit = Callable[[], object]

_COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_CALCULATED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.Pow: ast.Mult,
}
_CALLED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SQL: Final = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|AND|ORDER BY|IN \()|\b[a-z]\.[a-z]+ ")
_SQL_EDITS: Final = (
    (r"\bAND\b", "OR"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bNOT EXISTS\b", "EXISTS"),
    (r"\bIS NOT (?!NULL)", "IS "),
    (r" = ", " <> "),
    (r" <> ", " = "),
    (r" >= ", " > "),
    (r" < ", " <= "),
    (r" > ", " >= "),
    (r" DESC\b", " ASC"),
    (r"'intent'", "'accepted'"),
    (r"'unknown'", "'rejected'"),
    (r"'rejected'", "'unknown'"),
    (r"'accepted'", "'unknown'"),
    (r"LIMIT 1\b", "LIMIT 1 OFFSET 1"),
    (r"UNION ALL [^\n]*", ""),
)


@dataclass(frozen=True)
class Mutant:
    """One wrong change. `lines` are those of the statement it is in, None outside functions."""

    number: int
    line: int
    lines: range | None
    change: str
    source: str
    statement: int
    edit: int

    def tree(self) -> ast.Module:
        """Return the changed module."""
        tree, _statement = _edited(self.source, self.statement, self.edit)
        return ast.fix_missing_locations(tree)


def mutants(source: str) -> list[Mutant]:
    """Return the mutants of a module, those that come to the same text once."""
    found: list[Mutant] = []
    for number, (statement, called) in enumerate(_statements(ast.parse(source).body)):
        before = ast.unparse(statement)
        line = statement.lineno
        lines = range(line, _last_own_line(statement) + 1) if called else None
        seen = {before}
        for edit, (what, _) in enumerate(_edits(statement, called=called)):
            after = ast.unparse(_edited(source, number, edit)[1])
            if after not in seen:
                seen.add(after)
                change = f"{what}: {_difference(before, after)}"
                found.append(Mutant(len(found) + 1, line, lines, change, source, number, edit))
    return found


def _edited(source: str, number: int, edit: int) -> tuple[ast.Module, ast.stmt]:
    """Return a module in which one statement is changed, and the statement."""
    tree = ast.parse(source)
    statement, called = next(islice(_statements(tree.body), number, None))
    _what, change = next(islice(_edits(statement, called=called), edit, None))
    change()
    return tree, statement


def _edits(statement: ast.stmt, *, called: bool) -> Iterator[tuple[str, Edit]]:
    yield from _of_statement(statement)
    for place in _expressions(statement, called=called):
        yield from _of_expression(place)


def _difference(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    start = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    return f"{old[start].strip()}  ->  {new[start].strip()}" if start < len(new) else "end dropped"


def _last_own_line(statement: ast.stmt) -> int:
    """Return the last line of a statement without the statements in it."""
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
        return max(statement.lineno, body[0].lineno - 1)
    return statement.end_lineno or statement.lineno


def _statements(body: list[ast.stmt], *, called: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the statements that are mutated, and whether each runs when a function is called."""
    for statement in body:
        if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assert)) or _is_text(statement):
            continue
        yield statement, called
        inside = called or isinstance(statement, ast.FunctionDef)
        for field in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, field, []), called=inside)
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body, called=inside)
        for case in getattr(statement, "cases", []):
            yield from _statements(case.body, called=inside)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _of_statement(statement: ast.stmt) -> Iterator[tuple[str, Edit]]:
    match statement:
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "return None", partial(setattr, statement, "value", ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield "deleted", partial(_become_pass, statement)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield "deleted", partial(_become_pass, statement)
        case ast.If():
            for always in (True, False):
                yield (
                    f"condition {always}",
                    partial(setattr, statement, "test", ast.Constant(always)),
                )
    if isinstance(statement, ast.AugAssign) and _is_calculated(statement):
        other = _CALCULATED[type(statement.op)]
        yield "operator", partial(setattr, statement, "op", other())


def _become_pass(statement: ast.stmt) -> None:
    """Turn a statement into one that does nothing, in place."""
    line, column = statement.lineno, statement.col_offset
    nothing = ast.Expr(ast.Constant(None))
    statement.__class__ = ast.Expr
    statement.__dict__.clear()
    statement.__dict__.update(nothing.__dict__, lineno=line, col_offset=column)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


_UNTOUCHED: Final = ("annotation", "returns", "decorator_list", "bases", "ctx", "type_comment")


@dataclass(frozen=True)
class _Place:
    """An expression, how to put another one there, and whether its elements are a choice."""

    node: ast.expr
    put: Callable[[ast.expr], None]
    listed: bool


def _expressions(node: ast.AST, *, called: bool) -> Iterator[_Place]:
    """Yield the expressions of a statement, outer ones first, not those of statements in it."""
    for field, value in ast.iter_fields(node):
        if field in _UNTOUCHED or _is_slots(node, field):
            continue
        if isinstance(node, ast.Subscript) and field == "slice" and not called:
            continue  # a type
        listed = isinstance(node, (ast.For, ast.comprehension)) and field == "iter"
        if isinstance(value, ast.expr):
            yield _Place(value, partial(setattr, node, field), listed)
            yield from _expressions(value, called=called)
        elif isinstance(value, (ast.arguments, ast.keyword, ast.comprehension)):
            yield from _expressions(value, called=called)
        elif isinstance(value, list):
            listed = isinstance(node, ast.Compare)
            for index, item in enumerate(value):
                if isinstance(item, ast.expr):
                    yield _Place(item, partial(value.__setitem__, index), listed)
                if isinstance(item, (ast.expr, ast.keyword, ast.comprehension)):
                    yield from _expressions(item, called=called)


def _is_slots(node: ast.AST, field: str) -> bool:
    if not (isinstance(node, ast.Assign) and field == "value"):
        return False
    return any(isinstance(name, ast.Name) and name.id == "__slots__" for name in node.targets)


def _of_expression(place: _Place) -> Iterator[tuple[str, Edit]]:
    node, put = place.node, place.put
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                for other in _COMPARED.get(type(operator), ()):
                    yield "comparison", partial(node.ops.__setitem__, index, other())
        case ast.BoolOp():
            other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "and/or", partial(setattr, node, "op", other_op)
            for index in range(len(node.values)):
                yield "operand dropped", partial(_drop, node, put, index)
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", partial(put, node.operand)
        case ast.IfExp():
            yield "choice negated", partial(setattr, node, "test", _not(node.test))
        case ast.BinOp() if _is_calculated(node):
            yield "operator", partial(setattr, node, "op", _CALCULATED[type(node.op)]())
        case ast.Call():
            yield from _of_call(node)
        case ast.Set() | ast.Tuple() if place.listed or isinstance(node, ast.Set):
            for index in range(len(node.elts)):
                yield "element dropped", partial(node.elts.pop, index)
        case ast.Constant():
            yield from _of_constant(node)


def _drop(node: ast.BoolOp, put: Callable[[ast.expr], None], index: int) -> None:
    left = [value for position, value in enumerate(node.values) if position != index]
    put(left[0] if len(left) == 1 else ast.BoolOp(node.op, left))


def _is_calculated(node: ast.BinOp | ast.AugAssign) -> bool:
    """Whether numbers or sets are combined, not texts or lists."""
    if isinstance(node, ast.AugAssign):
        sides: tuple[ast.expr, ...] = (node.value,)
    else:
        sides = (node.left, node.right)
    texts = (ast.JoinedStr, ast.List, ast.GeneratorExp, ast.IfExp)
    return type(node.op) in _CALCULATED and not any(
        isinstance(side, texts)
        or (isinstance(side, ast.Constant) and isinstance(side.value, (str, bytes)))
        for side in sides
    )


def _of_call(node: ast.Call) -> Iterator[tuple[str, Edit]]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        name = node.func
        yield "function", partial(setattr, name, "id", _CALLED[name.id])
    for keyword in node.keywords:
        if keyword.arg is not None and not isinstance(keyword.value, ast.Constant):
            yield (
                f"{keyword.arg} None",
                partial(setattr, keyword, "value", ast.Constant(None)),
            )


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, Edit]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", partial(setattr, node, "value", not value)
    elif isinstance(value, (int, float)):
        yield "constant", partial(setattr, node, "value", value + 1)
    elif isinstance(value, str) and _SQL.search(value):
        for pattern, new in _SQL_EDITS:
            for found in re.finditer(pattern, value):
                if value.rfind(" SET ", 0, found.start()) > value.rfind(
                    " WHERE ", 0, found.start()
                ):
                    continue  # a value that is set
                text = value[: found.start()] + new + value[found.end() :]
                yield "SQL", partial(setattr, node, "value", text)
