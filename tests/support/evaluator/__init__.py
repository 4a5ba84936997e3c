"""What an export must contain, worked out row by row from docs/view-language.md; shares no code with the compiler."""

from support.evaluator.evaluate import Evaluator as Evaluator
from support.evaluator.evaluate import Outcome as Outcome
from support.evaluator.strings import Strings as Strings
