"""The catalogue of mistakes: what students of BPTT get wrong, each as the wrong step itself.

To add a mistake, add one entry to `CATALOGUE`: its id, what happened in the student's words, why it
is wrong, a nudge, where it was met, where the course explains it, and the step (see ``steps.py``)
that it replaces. Where it applies is found by running it; the naming matrix
(``bptt-lab catalogue``) and its test follow by themselves.

The ids F, V, W, T, N, J, G and L stand for forward and loss, output layer, through time,
truncation, numerical derivatives, Jacobians, gates, and learning.
"""

from dataclasses import dataclass, field

import numpy as np

from .steps import Steps


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes
    ----------
    id : str
    name : str
        What happened, as a full sentence to the student.
    why : str
        Why it is wrong.
    hint : str
        A nudge, not the fix.
    see : str
        The unit that explains it.
    met : str
        Where it was met; "reasoned" if it was thought up.
    ways : tuple of dict
        One or more replacements of steps; all of them are the same mistake.
    alone : bool
        So little is left of the right answer that no second mistake can be told beside it.
    """

    id: str
    name: str
    why: str
    hint: str
    see: str
    met: str = "reasoned"
    ways: tuple = field(default=(), repr=False)
    alone: bool = False


START, FORWARD, OUTPUT, TIME, TRUNCATION, VANISHING, TRAINING, GATES, CASES = (
    "00-start",
    "01-loss",
    "02-gradient-of-v",
    "03-summed-gradients",
    "04-truncated-bptt",
    "05-vanishing-gradients",
    "06-training",
    "07-gates-and-forward-mode",
    "08-case-files",
)
CATALOGUE = {}  # id -> Mistake


def _mistake(id, name, why, hint, see, met="reasoned", *, also=(), alone=False, **replaced):
    """Add an entry; `replaced` is the wrong step, `also` other ways to make the same mistake."""
    if id in CATALOGUE:
        raise ValueError(f"there are two mistakes with the id {id!r}")
    ways = (replaced, *also) if replaced else tuple(also)
    CATALOGUE[id] = Mistake(id, name, why, hint, see, met, ways, alone)


def _one_hot(y, n_classes):
    return np.eye(n_classes)[y]


def _lag(n_steps):
    return np.subtract.outer(np.arange(n_steps), np.arange(n_steps))


def _both_slopes(slope):
    """The same wrong tanh' at the first delta and on every hop."""
    return {"first_slope": slope, "hop_slope": slope}


def _one_slope(slope):
    """The same wrong tanh' in one of the two places only."""
    return {"first_slope": slope}, {"hop_slope": slope}


def _last_written(order):
    """The sums of loops that overwrite: the single loop, through all steps or chunk by chunk, or
    the double loop, whose outer one goes up or down through t.
    """

    def visits(weighted):
        """(δ, k) in the order of the loop."""
        T = len(weighted)
        if order in ("single", "chunks"):
            first = weighted.any(axis=2).argmax(axis=1) if order == "chunks" else np.zeros(T)
            steps = sorted(range(T), key=lambda k: (first[k], -k))
            return [(weighted[:, k].sum(axis=0), k) for k in steps]
        return [
            (weighted[t, k], k)
            for t in (range(T) if order == "up" else reversed(range(T)))
            for k in range(t, -1, -1)
            if weighted[t, k].any()
        ]

    def sum_U(weighted, x, n_inputs):
        dU = np.zeros((weighted.shape[2], n_inputs))
        for delta, k in visits(weighted):
            dU[:, x[k]] = delta
        return dU

    def sum_U_anew(weighted, x, n_inputs):
        delta, k = visits(weighted)[-1]
        return np.outer(delta, np.arange(n_inputs) == x[k])

    def sum_W(weighted, s):
        delta, k = visits(weighted)[-1]
        return np.outer(delta, s[k])

    def sum_V(error, s):
        t = -1 if order == "up" else 0
        return np.outer(error[t], s[1:][t])

    column, whole = {"sum_U": sum_U}, {"sum_U": sum_U_anew}
    W, V = {"sum_W": sum_W}, {"sum_V": sum_V}
    return W, column, column | W, column | W | V, whole, whole | W, whole | W | V


# Forward pass and loss

_mistake(
    "F1",
    "The state is not squashed: s_t is the pre-activation itself.",
    "Without tanh the network is linear, its states can grow past 1, and 1 - s² is no slope of it.",
    "Between a_t and s_t stands a function. Which values can s_t take?",
    FORWARD,
    "theanets #109",
    activate=lambda from_input, from_state: from_input + from_state,
)
_mistake(
    "F1b",
    "tanh is taken of U x_t alone, and W s_{t-1} is added outside it.",
    "The pre-activation is the whole sum; what is added after tanh is not bounded by it.",
    "Where does the bracket of tanh close?",
    FORWARD,
    "theanets #109",
    activate=lambda from_input, from_state: np.tanh(from_input) + from_state,
)
_mistake(
    "F1c",
    "tanh is taken of W s_{t-1} alone, and U x_t is added outside it.",
    "The pre-activation is the whole sum; what is added after tanh is not bounded by it.",
    "Where does the bracket of tanh close?",
    FORWARD,
    activate=lambda from_input, from_state: from_input + np.tanh(from_state),
)
_mistake(
    "F1d",
    "tanh is applied twice.",
    "The state is tanh of the pre-activation; a second tanh squashes it once more.",
    "How large is your state when the pre-activation is very large?",
    FORWARD,
    activate=lambda from_input, from_state: np.tanh(np.tanh(from_input + from_state)),
)
_mistake(
    "F2",
    "The state is not carried on: every step starts from the initial state again.",
    "Then s_t knows nothing of the tokens before t, and the network has no memory.",
    "Which state does step t read, and who wrote it?",
    FORWARD,
    previous=lambda s, t: s[0],
)
_mistake(
    "F2b",
    "The state before does not enter: W s_{t-1} is missing.",
    "Then s_t knows its own token only, and the network has no memory.",
    "What are the two terms of the pre-activation?",
    FORWARD,
    recur=lambda W, s_prev: np.zeros(len(W)),
)
_mistake(
    "F3",
    "The initial state is ignored: the first step starts from zeros.",
    "It only looks right when s_init happens to be zero.",
    "What does step 0 read as its previous state?",
    FORWARD,
    "community.deeplearning.ai 555049",
    previous=lambda s, t: s[t] if t else np.zeros_like(s[0]),
    also=({"start": np.zeros_like},),
)
_mistake(
    "F3b",
    "The initial state stands in the last row, where s[-1] finds it, and s_t in row t.",
    "In this course it is row 0 and s[t + 1] is s_t, so that no index ever wraps around.",
    "Which row should step 0 read, and which should it write?",
    FORWARD,
    "the seed's own layout",
    layout=lambda s: np.roll(s, -1, axis=0),
)
_mistake(
    "F4",
    "W is applied transposed: Wᵀ s_{t-1} where the model has W s_{t-1}.",
    "It looks right only when W is symmetric: row i of W holds the weights into unit i.",
    "Entry i of W s is Σ_j W[i, j] s[j]. Which axis do you sum over?",
    FORWARD,
    recur=lambda W, s_prev: W.T @ s_prev,
)
_mistake(
    "F6",
    "The softmax is normalised over time instead of over the classes.",
    "Each step has its own distribution, so each row must sum to 1.",
    "Print the sums of your rows. Which axis is which?",
    FORWARD,
    "DL4J #345",
    softmax=lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0),
    also=({"softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=0)},),
)
_mistake(
    "F6b",
    "The softmax is normalised over all steps and classes together.",
    "Each step has its own distribution, so each row must sum to 1, not the whole array.",
    "Print the sums of your rows.",
    FORWARD,
    softmax=lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
    also=({"softmax": lambda z: np.exp(z) / np.exp(z).sum()},),
)
_mistake(
    "F7",
    "The softmax overflows: exp of a large logit is infinite, and inf / inf is not a number.",
    "The quotient does not change when the same number is subtracted from every logit of a row.",
    "Which number, subtracted from a row, makes its largest exponent 0?",
    FORWARD,
    softmax=lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
)
_mistake(
    "F7b",
    "One maximum is subtracted from all rows: a row far below it underflows to 0 / 0.",
    "The shift must be the row's own maximum; another row's can push all of this one to zero.",
    "Take the maximum along the same axis that you sum over.",
    FORWARD,
    softmax=lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=-1, keepdims=True),
)
_mistake(
    "F7c",
    "The exponentials are not divided by their sum.",
    "Probabilities of a step must add up to 1.",
    "What do the entries of a row sum to?",
    FORWARD,
    softmax=lambda z: np.exp(z - z.max(axis=-1, keepdims=True)),
    also=({"softmax": np.exp},),
)
_mistake(
    "F8",
    "y_hat[:, y] picks every target's column at every step: T × T numbers instead of T.",
    "Step t has one target, y_t; the targets of other steps are none of its business.",
    "Index rows and columns together, one pair for each step.",
    FORWARD,
    pick=lambda y_hat, y: y_hat[:, y],
)
_mistake(
    "F9",
    "The input token is taken for the target: the loss is read at x_t instead of y_t.",
    "The network is asked to predict y_t; x_t is what it was given.",
    "Which of x and y says what should have been predicted?",
    FORWARD,
    target=lambda x, y: x,
)
_mistake(
    "F9b",
    "The target of a neighbouring step is taken.",
    "Here y_t is already what should follow x_t: no shift is left to be made.",
    "Which target belongs to the first prediction?",
    FORWARD,
    target=lambda x, y: np.append(y[1:], y[-1]),
    also=(
        {"target": lambda x, y: np.roll(y, -1)},
        {"target": lambda x, y: np.roll(y, 1)},
        {"target": lambda x, y: np.append(y[0], y[:-1])},
    ),
)
_mistake(
    "F10",
    "The minus sign of the loss is missing.",
    "The logarithm of a probability is negative; the loss must fall as the probability rises.",
    "Can a loss in nats be below zero here?",
    FORWARD,
    nats=np.log,
)
_mistake(
    "F10b",
    "The loss is in bits: the logarithm has base 2.",
    "The course measures in nats (natural logarithm), and so does every derivative in it.",
    "By which factor is your loss too large?",
    FORWARD,
    nats=lambda probability: -np.log2(probability),
)
_mistake(
    "F10c",
    "The logarithm has base 10.",
    "The course measures in nats (natural logarithm), and so does every derivative in it.",
    "By which factor is your loss too small?",
    FORWARD,
    nats=lambda probability: -np.log10(probability),
)
_mistake(
    "F10d",
    "The probability itself stands where its logarithm should.",
    "E_t is -log ŷ_t[y_t].",
    "What is the loss of a probability of 1?",
    FORWARD,
    nats=lambda probability: -probability,
    also=({"nats": lambda probability: 1 - probability},),
)
_mistake(
    "F10e",
    "The wrong classes are in the loss as well, with -log(1 - ŷ): a binary cross-entropy.",
    "A softmax has one target; its cross-entropy is the logarithm at that one entry.",
    "How many logarithms does one step's loss have?",
    FORWARD,
    losses=lambda y_hat, y: (
        -np.log(np.where(_one_hot(y, y_hat.shape[1]) == 1, y_hat, 1 - y_hat)).sum(axis=1)
    ),
)
_mistake(
    "F10f",
    "The logarithm is summed over all classes, without the target.",
    "Only the probability of what really came counts.",
    "Where does y enter your loss?",
    FORWARD,
    losses=lambda y_hat, y: -np.log(y_hat).sum(axis=1),
)
_mistake(
    "F10g",
    "This is the entropy of the prediction: the target does not enter.",
    "The cross-entropy weighs log ŷ with the target y, not with ŷ itself.",
    "Where does y enter your loss?",
    FORWARD,
    losses=lambda y_hat, y: -(y_hat * np.log(y_hat)).sum(axis=1),
)
_mistake(
    "F10h",
    "The logarithm is taken of 1 - ŷ at the target.",
    "The loss must fall as the target's probability rises.",
    "What is your loss if the target has a probability near 1?",
    FORWARD,
    nats=lambda probability: -np.log(1 - probability),
)
_mistake(
    "F10i",
    "This is a squared error, not a cross-entropy.",
    "E_t is -log ŷ_t[y_t].",
    "What is the loss of a target whose probability is 0?",
    FORWARD,
    losses=lambda y_hat, y: ((y_hat - _one_hot(y, y_hat.shape[1])) ** 2).sum(axis=1) / 2,
    also=({"losses": lambda y_hat, y: ((y_hat - _one_hot(y, y_hat.shape[1])) ** 2).sum(axis=1)},),
)
_mistake(
    "F7d",
    "The softmax comes first and the logarithm after it: a probability that underflows gives inf.",
    "log(0) is minus infinity, though the loss itself is an ordinary number.",
    "Which two terms are left of -log(e^z / Σ) when the logarithm is taken apart?",
    FORWARD,
    log_normaliser=lambda z: np.zeros(len(z)),
    of_target=lambda z, y: np.log(Steps.softmax(z)[np.arange(len(y)), y]),
)
_mistake(
    "F7e",
    "The sum of exponentials overflows: nothing is subtracted before exp.",
    "log Σ e^z = m + log Σ e^(z - m) for any m; with the row's maximum nothing can overflow.",
    "Which number, subtracted from a row, makes its largest exponent 0?",
    FORWARD,
    log_normaliser=lambda z: np.log(np.exp(z).sum(axis=-1)),
)
_mistake(
    "F7f",
    "The maximum that was subtracted was not added again.",
    "log Σ e^(z - m) is log Σ e^z - m: the m has to come back.",
    "Add 1 to all logits of a row. Does your loss change?",
    FORWARD,
    log_normaliser=lambda z: np.log(np.exp(z - z.max(axis=-1, keepdims=True)).sum(axis=-1)),
)
_mistake(
    "F11",
    "The losses are averaged over the steps; E is their sum.",
    "A mean is a fair choice too, but then every gradient carries the factor 1/T as well.",
    "The course's E is Σ_t E_t. By which factor do you differ?",
    FORWARD,
    "the seed's comments (Ashutosh); d2l forum 334",
    reduce=lambda losses, n_classes: losses.mean(),
    also=({"nats": lambda probability: -np.log(probability) / len(probability)},),
)
_mistake(
    "F11b",
    "The losses are divided by T · C: the mean ran over the classes as well.",
    "Only one class of each step enters the loss; the others count as zeros in your mean.",
    "By which factor do you differ from Σ_t E_t?",
    FORWARD,
    "Element-Research/rnn #28",
    reduce=lambda losses, n_classes: losses.mean() / n_classes,
)
_mistake(
    "F11c",
    "Only the last step's loss is returned.",
    "Every step predicts, so every step pays: E is Σ_t E_t.",
    "What became of the other steps' losses?",
    FORWARD,
    reduce=lambda losses, n_classes: losses[-1],
)
_mistake(
    "F11d",
    "The loss is divided by the number of classes.",
    "The cross-entropy has one term for each step, the target's; there is nothing to average.",
    "By which factor do you differ from Σ_t E_t?",
    FORWARD,
    reduce=lambda losses, n_classes: losses.sum() / n_classes,
)
_mistake(
    "F11e",
    "One loss is missing: that of the first step, or that of the last.",
    "Every step predicts, the first and the last one included.",
    "What are the first and the last value that your loop variable takes?",
    FORWARD,
    reduce=lambda losses, n_classes: losses[1:].sum(),
    also=({"reduce": lambda losses, n_classes: losses[:-1].sum()},),
)
_mistake(
    "F12",
    "The activation is the logistic sigmoid, not tanh.",
    "The sigmoid's states lie in (0, 1), tanh's in (-1, 1), and their slopes differ.",
    "Can your states be negative?",
    FORWARD,
    activate=lambda from_input, from_state: 1 / (1 + np.exp(-(from_input + from_state))),
)
_mistake(
    "F12b",
    "The activation is ReLU, not tanh.",
    "This model's state is tanh(a_t); a rectified state is another model.",
    "Can your states be negative, or greater than 1?",
    FORWARD,
    activate=lambda from_input, from_state: np.maximum(from_input + from_state, 0),
)
_mistake(
    "F13",
    "The prediction at step t is made from s_{t-1}, one state too early.",
    "Then ŷ_t does not see x_t. In our arrays s[t + 1] is s_t.",
    "Which row of s is s_t?",
    FORWARD,
    logits=lambda s, V: s[:-1] @ V.T,
    also=({"run_steps": lambda first, t: range(first, t)},),
)
_mistake(
    "F15",
    "Every s_t is 0, as if the states were stored as integers.",
    "An array made with an integer dtype drops every fraction that is written into it.",
    "Look at s.dtype.",
    FORWARD,
    start=np.trunc,
    activate=lambda from_input, from_state: np.trunc(np.tanh(from_input + from_state)),
    also=({"activate": lambda from_input, from_state: np.zeros(len(from_input))},),
)
_mistake(
    "F18",
    "Every step uses the same copy of W, the first.",
    "The point of the copies is that step t has one of its own, so that it alone can be moved.",
    "Which copy does step t read?",
    TIME,
    copy_of_step=lambda W_copies, t, W: W_copies[0],
)
_mistake(
    "F19",
    "The copies of W are shifted by one step.",
    "Copy W^(t) is the one that step t uses.",
    "Which copy does step 0 read?",
    TIME,
    copy_of_step=lambda W_copies, t, W: W_copies[t - 1],
    also=({"copy_of_step": lambda W_copies, t, W: W_copies[(t + 1) % len(W_copies)]},),
)
_mistake(
    "F20",
    "The network's own W is used, and the copies are not.",
    "The point of the copies is that each can be moved alone; params.W stays where it is.",
    "Which argument should step t read its W from?",
    TIME,
    copy_of_step=lambda W_copies, t, W: W,
)

# The output layer

_mistake(
    "W3",
    "Everything is zero: nothing that was computed reached the sums.",
    "An error that is never passed on, or a sum that is never added to, stays at zero.",
    "Print the error at the last step, and then one step before.",
    TIME,
    "community.deeplearning.ai 555129",
    weights=np.zeros_like,
    also=({"error": lambda y_hat, y: np.zeros_like(y_hat)},),
)
_mistake(
    "V1",
    "The target's entry is set to 1; it should have 1 subtracted from it.",
    "The error at the target must be ŷ - 1, which is negative: the target's logit has to rise.",
    "Look at the sign of the error at the target. Which way does a step against it go?",
    OUTPUT,
    "our copy of the seed's listing",
    error=lambda y_hat, y: np.where(_one_hot(y, y_hat.shape[1]) == 1, 1.0, y_hat),
)
_mistake(
    "V1b",
    "The target's entry is set to -1; it should have 1 subtracted from it.",
    "The error at the target is ŷ - 1, which still knows how sure the network was.",
    "What should the error be when the network is certain and right?",
    OUTPUT,
    error=lambda y_hat, y: np.where(_one_hot(y, y_hat.shape[1]) == 1, -1.0, y_hat),
)
_mistake(
    "V1c",
    "1 is added at the target; it should be subtracted.",
    "The error at the target must be ŷ - 1, which is negative: the target's logit has to rise.",
    "What should each row of the error sum to?",
    OUTPUT,
    error=lambda y_hat, y: y_hat + _one_hot(y, y_hat.shape[1]),
)
_mistake(
    "V2",
    "The sign is turned, as y - ŷ instead of ŷ - y would turn it.",
    "That is the direction in which the loss falls; the gradient is the one in which it rises.",
    "If the target's logit rises, what does the loss do?",
    OUTPUT,
    "DL4J #345",
    error=lambda y_hat, y: _one_hot(y, y_hat.shape[1]) - y_hat,
)
_mistake(
    "V2b",
    "The minus sign of the loss is missing in dE/dŷ.",
    "E_t is -log ŷ_t[y_t], so its derivative by ŷ_t[y_t] is negative.",
    "If the target's probability rises, what does the loss do?",
    OUTPUT,
    upstream=lambda y_hat_t, y_t: -Steps.upstream(y_hat_t, y_t),
)
_mistake(
    "V3",
    "The error is multiplied by ŷ(1 - ŷ), as if the softmax were still to be differentiated.",
    "ŷ - y is already the derivative by the logits: the softmax's own derivative is inside it.",
    "Write dE/dz through the softmax Jacobian once, all the way. What is left at the end?",
    OUTPUT,
    "the seed's comments (OB, Sowmya); DeepLearnToolbox #113",
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) * y_hat * (1 - y_hat),
)
_mistake(
    "V3b",
    "This is the gradient of a squared error behind the softmax, not of the cross-entropy.",
    "There the Jacobian of the softmax stays; behind a logarithm it cancels.",
    "Which loss is E_t?",
    OUTPUT,
    "the seed's comments (OB)",
    error=lambda y_hat, y: _through_jacobian(y_hat, y_hat - _one_hot(y, y_hat.shape[1])),
)
_mistake(
    "V4",
    "This is dE/dŷ = -y/ŷ: the step through the softmax is missing.",
    "The chain from the loss to the logits has two links, and this is only the first.",
    "Does your error say anything about the classes that are not the target?",
    OUTPUT,
    "hankcs/CS224n #17",
    error=lambda y_hat, y: -_one_hot(y, y_hat.shape[1]) / y_hat,
)
_mistake(
    "V4b",
    "The step through the softmax is missing: its Jacobian is taken for the identity.",
    "What comes before that step is the derivative by ŷ. One by z is asked for.",
    "If z_j rises by h, does ŷ_j rise by h?",
    OUTPUT,
    "the seed's comments (OB)",
    jacobian=lambda y_hat_t: np.eye(len(y_hat_t)),
)
_mistake(
    "V5",
    "Only the diagonal of the softmax Jacobian is used: the off-diagonal terms are missing.",
    "Every logit moves every probability, since they share one sum.",
    "What happens to ŷ_i when another logit z_j rises?",
    OUTPUT,
    "stats.SE 235528",
    error=lambda y_hat, y: -_one_hot(y, y_hat.shape[1]) * (1 - y_hat),
    also=({"jacobian": lambda y_hat_t: np.diag(y_hat_t * (1 - y_hat_t))},),
)
_mistake(
    "V5b",
    "The off-diagonal terms of the softmax Jacobian have the wrong sign.",
    "When one logit rises, every other probability falls.",
    "If z_j rises and all other logits stay, can ŷ_i rise?",
    OUTPUT,
    error=lambda y_hat, y: np.where(_one_hot(y, y_hat.shape[1]) == 1, y_hat - 1, -y_hat),
    also=(
        {
            "jacobian": lambda y_hat_t: (
                np.diag(y_hat_t - 2 * y_hat_t**2) + np.outer(y_hat_t, y_hat_t)
            )
        },
    ),
)
_mistake(
    "V5c",
    "The diagonal's own term is missing: the Jacobian is only -ŷ_i ŷ_j.",
    "Where i = j, the numerator of the softmax moves as well.",
    "What do the columns of your Jacobian sum to? The probabilities always sum to 1.",
    OUTPUT,
    jacobian=lambda y_hat_t: -np.outer(y_hat_t, y_hat_t),
)
_mistake(
    "V5d",
    "The diagonal of the softmax Jacobian is left at zero.",
    "ŷ_i depends on its own logit most of all: the entry is ŷ_i(1 - ŷ_i).",
    "What do the columns of your Jacobian sum to?",
    OUTPUT,
    jacobian=lambda y_hat_t: np.diag(y_hat_t**2) - np.outer(y_hat_t, y_hat_t),
)
_mistake(
    "V5e",
    "1 stands on the diagonal where ŷ_i should: the Jacobian is computed as I - ŷ ŷᵀ.",
    "The diagonal term is ŷ_i(1 - ŷ_i): a probability near 0 hardly moves.",
    "What do the columns of your Jacobian sum to?",
    OUTPUT,
    jacobian=lambda y_hat_t: np.eye(len(y_hat_t)) - np.outer(y_hat_t, y_hat_t),
)
_mistake(
    "V5f",
    "The sign of the softmax Jacobian is turned.",
    "A rising logit raises its own probability, so the diagonal is positive.",
    "If z_i rises, what does ŷ_i do?",
    OUTPUT,
    jacobian=lambda y_hat_t: np.outer(y_hat_t, y_hat_t) - np.diag(y_hat_t),
)
_mistake(
    "V6",
    "The target was never subtracted: the error is ŷ itself.",
    "Without the target, the gradient cannot know what was right.",
    "What should each row of the error sum to?",
    OUTPUT,
    error=lambda y_hat, y: y_hat,
)
_mistake(
    "V6b",
    "Only the target is in the error (-y); the prediction is missing.",
    "What pushes the wrong classes down is ŷ.",
    "What should each row of the error sum to?",
    OUTPUT,
    error=lambda y_hat, y: -_one_hot(y, y_hat.shape[1]),
)
_mistake(
    "V8",
    "1 is subtracted in every target's column at every step (y_hat[:, y] -= 1).",
    "Step t has one target, y_t. The columns of other steps' targets are not to be touched.",
    "How many entries of each row should change?",
    OUTPUT,
    error=lambda y_hat, y: y_hat - np.isin(np.arange(y_hat.shape[1]), y),
    also=({"error": lambda y_hat, y: y_hat - _one_hot(y, y_hat.shape[1]).sum(axis=0)},),
)
_mistake(
    "V9",
    "dV pairs the error of step t with s_{t-1}.",
    "z_t = V s_t: the state beside V at step t is s_t, which our arrays keep in s[t + 1].",
    "Which row of s is s_t?",
    OUTPUT,
    sum_V=lambda error, s: error.T @ s[:-1],
)
_mistake(
    "V10",
    "dV holds the last step's contribution only.",
    "V is used at every step, so every step contributes.",
    "How many outer products should be added?",
    OUTPUT,
    "copied from many-to-one networks (victorzhou)",
    sum_V=lambda error, s: np.outer(error[-1], s[-1]),
)
_mistake(
    "V11",
    "dV holds the first step's contribution only, as if it were written over (=) and not added to.",
    "V is used at every step, so every step contributes.",
    "What happens to dV when the next step comes?",
    OUTPUT,
    "javaidnabi31/RNN-from-scratch #2",
    sum_V=lambda error, s: np.outer(error[0], s[1]),
)
_mistake(
    "V10b",
    "The last step's contribution to dV is missing.",
    "V is used at every step, the last one included.",
    "What is the last value that your loop variable takes?",
    OUTPUT,
    sum_V=lambda error, s: error[:-1].T @ s[1:-1],
)
_mistake(
    "V11b",
    "The first step's contribution to dV is missing.",
    "V is used at every step, the first one included.",
    "What is the first value that your loop variable takes?",
    OUTPUT,
    sum_V=lambda error, s: error[1:].T @ s[2:],
)
_mistake(
    "V18",
    "The target is read one class too high.",
    "Classes are counted from 0, and y_t is the index itself.",
    "Which entry of the first row is its target's?",
    OUTPUT,
    error=lambda y_hat, y: y_hat - _one_hot((y + 1) % y_hat.shape[1], y_hat.shape[1]),
)
_mistake(
    "V18b",
    "The target is read one class too low, as if classes were counted from 1.",
    "Classes are counted from 0, and y_t is the index itself.",
    "Which entry of the first row is its target's?",
    OUTPUT,
    error=lambda y_hat, y: y_hat - _one_hot(y - 1, y_hat.shape[1]),
)
_mistake(
    "V19",
    "dV has the slope of tanh in it.",
    "V stands behind s_t = tanh(a_t): the error has not come to tanh yet.",
    "Is tanh between the loss and V, or behind V?",
    OUTPUT,
    sum_V=lambda error, s: error.T @ (s[1:] * (1 - s[1:] ** 2)),
    also=({"sum_V": lambda error, s: error.T @ (1 - s[1:] ** 2)},),
)
_mistake(
    "V20",
    "The errors and the states are summed before they are multiplied.",
    "Each error belongs to the state of its own step: first the products, then the sum.",
    "Which of your errors meets which of your states?",
    OUTPUT,
    sum_V=lambda error, s: np.outer(error.sum(axis=0), s[1:].sum(axis=0)),
)
_mistake(
    "V13",
    "Everything is twice too large.",
    "The factor 2 belongs to squared errors; the cross-entropy has none.",
    "Where does your factor come from?",
    OUTPUT,
    "markroxor #65",
    error=lambda y_hat, y: 2 * (y_hat - _one_hot(y, y_hat.shape[1])),
)
_mistake(
    "V13b",
    "Everything is half of what it should be.",
    "The factor 1/2 belongs to squared errors; the cross-entropy has none.",
    "Where does your factor come from?",
    OUTPUT,
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) / 2,
)
_mistake(
    "V13c",
    "The error is divided by the number of classes.",
    "The cross-entropy has one term for each step, the target's; there is nothing to average.",
    "Where does your factor come from?",
    OUTPUT,
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) / y_hat.shape[1],
)
_mistake(
    "V14",
    "dV is averaged over the steps; the loss is a sum.",
    "Loss and gradient must agree: the gradient of a sum is a sum.",
    "By which factor is dV too small?",
    OUTPUT,
    "the seed's comments (Ashutosh)",
    finish_V=lambda dV, n_steps: dV / n_steps,
)
_mistake(
    "V16",
    "The error is squared.",
    "The derivative of the cross-entropy by the logits is ŷ - y, to the first power.",
    "Can your error be negative?",
    OUTPUT,
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) ** 2,
)
_mistake(
    "V17",
    "The error has lost its sign: it is |ŷ - y|.",
    "At the target the error is negative, since the target's logit has to rise.",
    "Can your error be negative?",
    OUTPUT,
    error=lambda y_hat, y: np.abs(y_hat - _one_hot(y, y_hat.shape[1])),
)


def _through_jacobian(y_hat, upstream):
    return y_hat * (upstream - (y_hat * upstream).sum(axis=-1, keepdims=True))


# Through time

_mistake(
    "W1",
    "Every loss stops at its own step: s_{t-1} was treated as a constant.",
    "s_{t-1} depends on W as well, and so does every state before it.",
    "Where does your error go after the step that it came from?",
    TIME,
    "gist.github.com/karpathy d4dee566867f8291f086 (comments); CaptainE #1",
    weights=lambda mask: mask * np.eye(len(mask)),
    also=({"hop": lambda delta, W: np.zeros_like(delta)},),
)
_mistake(
    "W2",
    "Only the last loss is sent back; the earlier losses never enter.",
    "E is the sum of all E_t. On its way back the error must pick up each step's own loss.",
    "What is added to the error when it arrives at a step that has a loss of its own?",
    TIME,
    "community.deeplearning.ai 534149",
    weights=lambda mask: mask * (np.arange(len(mask)) == len(mask) - 1)[:, None],
)
_mistake(
    "W2b",
    "All losses are sent back together; the last one alone was asked for.",
    "δ_{T-1,k} is the share of E_{T-1}. The earlier losses come later, in the single loop.",
    "Which losses enter your error on its way back?",
    TIME,
    asked=lambda n_steps: np.ones(n_steps),
)
_mistake(
    "W3b",
    "The step's own loss does not enter.",
    "What arrives at s_t comes from two sides: from the loss of its step, and from the next step.",
    "Where does the error of this step's prediction go in your version?",
    TIME,
    inject=lambda error, V: np.zeros((*error.shape[:-1], V.shape[1])),
)
_mistake(
    "W4",
    "Only the contributions through step 0 are there, the longest path of each loss.",
    "The gradient is a sum over all steps; this is its last term, as if = stood where += should.",
    "How many terms does each loss contribute?",
    TIME,
    "math.SE 2291714; mxnet #4057",
    weights=lambda mask: mask * (np.arange(len(mask)) == 0),
)
_mistake(
    "W4b",
    "Only the last contribution of each loss's way back is there, the one furthest from it.",
    "The gradient is a sum over all steps of the way; this is its last term.",
    "How many terms does each loss contribute?",
    TIME,
    "math.SE 2291714",
    window_mask=lambda n_steps, window: (
        _lag(n_steps) == np.minimum(window, np.arange(n_steps))[:, None]
    ),
    also=(
        {"chunk_mask": lambda n_steps, k1: _chunks(n_steps, k1) & (np.arange(n_steps) % k1 == 0)},
    ),
)
_mistake(
    "W5",
    "The slope of tanh is missing everywhere.",
    "From s_t to a_t the error goes through tanh, and is multiplied by 1 - s_t².",
    "δ is the derivative by a, not by s. What lies between them?",
    TIME,
    "d2l forum 334",
    **_both_slopes(lambda s: np.ones_like(s[1:])),
)
_mistake(
    "W6",
    "The slope of tanh is missing where the loss enters, though it is there on every hop.",
    "δ_{t,t} is the derivative by a_t too: Vᵀ(ŷ_t - y_t) is still on the outside of tanh.",
    "Is your first δ a derivative by s_t or by a_t?",
    TIME,
    "CaptainE PR #2",
    first_slope=lambda s: np.ones_like(s[1:]),
)
_mistake(
    "W7",
    "The slope of tanh is missing on the hops: what comes back is added after tanh'.",
    "What comes back from the next step arrives at s_t, outside tanh, just as Vᵀ(ŷ_t - y_t) does.",
    "Both errors arrive at s_t. What must both of them pass?",
    TIME,
    "SciMLBook #164",
    hop_slope=lambda s: np.ones_like(s[1:]),
)
_mistake(
    "W8",
    "On each hop the slope of tanh is taken at the step that the error comes from.",
    "A hop from k + 1 to k passes the tanh of step k: its slope is 1 - s_k².",
    "Which state does the error arrive at?",
    TIME,
    "hanbt/learn_dl #29",
    hop_slope=lambda s: 1 - np.vstack([s[2:], s[-1:]]) ** 2,
)
_mistake(
    "W7b",
    "What goes back to the step before has not passed tanh: Wᵀ is applied to dE/ds_k, not to δ_k.",
    "The error leaves step k through a_k: δ_k = dE/da_k goes on, which has the slope in it.",
    "Which of your errors is multiplied by Wᵀ, the derivative by s_k or the one by a_k?",
    TIME,
    "community.deeplearning.ai 555129",
    deltas=lambda params, error, s: (
        Steps(**_both_slopes(lambda s: np.ones_like(s[1:]))).deltas(params, error, s)
        * (1 - s[1:] ** 2)
    ),
)
_mistake(
    "W7c",
    "A sum takes the error before it has passed tanh: dE/ds_k stands where δ_k belongs.",
    "U and W stand inside tanh, so what is multiplied with x_k and s_{k-1} is δ_k = dE/da_k.",
    "Is the error in your outer product a derivative by s_k or by a_k?",
    TIME,
    deltas=lambda params, error, s: Steps().deltas(params, error, s) / (1 - s[1:] ** 2),
    also=({"sum_W": lambda weighted, s: (weighted.sum(axis=0) / (1 - s[1:] ** 2)).T @ s[:-1]},),
)
_mistake(
    "W8b",
    "The slope of tanh is taken one row of s too early: at the state before.",
    "tanh' at step k is 1 - s_k², and s_k is s[k + 1] here, since s[0] is the initial state.",
    "Which row of s holds the state that the error has just arrived at?",
    TIME,
    "the seed's index s[t], used with our layout",
    **_both_slopes(lambda s: 1 - s[:-1] ** 2),
    also=(
        {"first_slope": lambda s: 1 - s[:-1] ** 2},
        {"hop_slope": lambda s: 1 - s[:-1] ** 2},
    ),
)
_mistake(
    "W9",
    "tanh was taken twice: the slope is computed as 1 - tanh(s)².",
    "s is already tanh(a), so the slope of tanh at a is 1 - s².",
    "What is tanh'(a) in terms of tanh(a)?",
    TIME,
    "nicklashansen #1",
    **_both_slopes(lambda s: 1 - np.tanh(s[1:]) ** 2),
    also=_one_slope(lambda s: 1 - np.tanh(s[1:]) ** 2),
)
_mistake(
    "W10",
    "The slope is computed from the pre-activation: 1 - a².",
    "tanh'(a) = 1 - tanh(a)² = 1 - s².",
    "Can the slope of tanh be negative?",
    TIME,
    **_both_slopes(lambda s: 1 - np.arctanh(s[1:]) ** 2),
    also=_one_slope(lambda s: 1 - np.arctanh(s[1:]) ** 2),
)
_mistake(
    "W11",
    "The slope is that of the sigmoid, s(1 - s).",
    "This network's activation is tanh, whose slope is 1 - s².",
    "Can the slope of tanh be negative?",
    TIME,
    **_both_slopes(lambda s: s[1:] * (1 - s[1:])),
    also=_one_slope(lambda s: s[1:] * (1 - s[1:])),
)
_mistake(
    "W12",
    "The error is divided by the slope of tanh instead of multiplied by it.",
    "Going back through tanh multiplies by its slope; dividing would go forward.",
    "Should a saturated unit pass more of the error or less?",
    TIME,
    "oreilly-japan DLFS2 #26",
    **_both_slopes(lambda s: 1 / (1 - s[1:] ** 2)),
    also=_one_slope(lambda s: 1 / (1 - s[1:] ** 2)),
)
_mistake(
    "W13",
    "The square is lost: the slope is computed as 1 - s.",
    "tanh'(a) = 1 - s².",
    "Is your slope the same for s and for -s?",
    TIME,
    **_both_slopes(lambda s: 1 - s[1:]),
    also=_one_slope(lambda s: 1 - s[1:]),
)
_mistake(
    "W13b",
    "The slope has a wrong sign: it is computed as 1 + s² or s² - 1.",
    "tanh'(a) = 1 - s², which lies between 0 and 1.",
    "What is your slope at s = 0, and at s = 1?",
    TIME,
    **_both_slopes(lambda s: 1 + s[1:] ** 2),
    also=(_both_slopes(lambda s: s[1:] ** 2 - 1),),
)
_mistake(
    "W14",
    "The error is sent back through W; it travels back through Wᵀ.",
    "Unit j of s_{k-1} feeds every unit i by W[i, j], so it is blamed for Σ_i W[i, j] δ[i].",
    "Write one hop with indices. Over which index of W is the sum?",
    TIME,
    "vzhou842/rnn-from-scratch",
    hop=lambda delta, W: delta @ W.T,
)
_mistake(
    "W15",
    "Contributions are counted t - k + 1 times: a total was summed once more.",
    "Either each loss walks back by itself, or the sum of all losses walks once; not both.",
    "Does your δ already hold the later losses when you add it?",
    TIME,
    "the seed's comments (OD); d2l #2616",
    weights=lambda mask: mask * (_lag(len(mask)) + 1),
)
_mistake(
    "W15b",
    "Each way back picks up the losses that it passes, though every loss has a way of its own.",
    "Either each loss walks back by itself, or the sum of all losses walks once; not both.",
    "What is added to your δ between two hops?",
    TIME,
    weights=lambda mask: mask * np.arange(len(mask), 0, -1)[:, None],
)
_mistake(
    "W16",
    "W is missing on the hops: the error only passes tanh.",
    "s_{k-1} reaches a_k through W, so the error goes back through Wᵀ.",
    "What stands between s_{k-1} and a_k?",
    TIME,
    hop=lambda delta, W: delta,
)
_mistake(
    "W17",
    "The slope of tanh is multiplied in twice on every hop.",
    "Each step has one tanh, and the error passes it once.",
    "How many factors 1 - s_k² does one hop bring?",
    TIME,
    hop_slope=lambda s: (1 - s[1:] ** 2) ** 2,
)
_mistake(
    "W17b",
    "The slope of tanh is multiplied in twice where the loss enters.",
    "Each step has one tanh, and the error passes it once.",
    "How many factors 1 - s_t² does δ_{t,t} have?",
    TIME,
    first_slope=lambda s: (1 - s[1:] ** 2) ** 2,
)
_mistake(
    "W18",
    "dW pairs δ_k with s_k; it should be s_{k-1}.",
    "a_k = U x_k + W s_{k-1}: the state beside W at step k is the one before. It is s[k] here.",
    "Which state does W multiply at step k, and which row of s is it?",
    TIME,
    sum_W=lambda weighted, s: weighted.sum(axis=0).T @ s[1:],
)
_mistake(
    "W18b",
    "dW pairs δ_k with s_{k-2}, and at k = 0 the index wraps around to the end.",
    "Our s has one row more than there are steps: s[k] is already s_{k-1}.",
    "Print s[0]. Which state is it?",
    TIME,
    "the seed's index s[t-1], used with our layout",
    sum_W=lambda weighted, s: weighted.sum(axis=0).T @ np.roll(s, 1, axis=0)[:-1],
)
_mistake(
    "W19",
    "Inside the walk back, dW uses the state of the loss's step t, not of the step k it is at.",
    "The contribution through step k pairs δ_{t,k} with what W multiplied there, s_{k-1}.",
    "Which of the two loop variables says where the error is now?",
    TIME,
    sum_W=lambda weighted, s: weighted.sum(axis=1).T @ s[:-1],
)
_mistake(
    "W19b",
    "Inside the walk back, dW uses the loss's own state s_t.",
    "The contribution through step k pairs δ_{t,k} with what W multiplied there, s_{k-1}.",
    "Which state did W multiply at the step where the error is now?",
    TIME,
    sum_W=lambda weighted, s: weighted.sum(axis=1).T @ s[1:],
)
_mistake(
    "W20",
    "Inside the walk back, dU uses the token of the loss's step t, not of the step k it is at.",
    "The contribution through step k belongs to the column of U that was used there, x_k.",
    "Which of the two loop variables says where the error is now?",
    TIME,
    sum_U=lambda weighted, x, n_inputs: _scatter(weighted.sum(axis=1), x, n_inputs),
)
_mistake(
    "W21",
    "At k = 0 the last state is used as the one before the first: an index wrapped around.",
    "Before step 0 comes the initial state. A negative index silently counts from the end.",
    "What does s[-1] mean to NumPy?",
    TIME,
    "the seed's s[bptt_step-1], with T rows",
    sum_W=lambda weighted, s: weighted.sum(axis=0).T @ np.vstack([s[-1:], s[1:-1]]),
)
_mistake(
    "W22",
    "The contribution of step 0 to dW is missing, as if the initial state were zero.",
    "a_0 = U x_0 + W s_{-1}: W is used at step 0 too, beside the initial state.",
    "Which rows of s meet dW in your sum?",
    TIME,
    sum_W=lambda weighted, s: weighted.sum(axis=0).T @ np.vstack([0 * s[:1], s[1:-1]]),
)
_mistake(
    "W23",
    "The walk back stops before step 0.",
    "Step 0 uses U and W like every other step.",
    "What is the last value that your loop variable takes?",
    TIME,
    weights=lambda mask: mask * (np.arange(len(mask)) > 0),
)
_mistake(
    "W23b",
    "The first loss is not sent back.",
    "Every step has a loss, the first one included.",
    "What is the first value that your loop variable takes?",
    TIME,
    weights=lambda mask: mask * (np.arange(len(mask)) > 0)[:, None],
)
_mistake(
    "W23c",
    "The last loss is not sent back.",
    "Every step has a loss, the last one included.",
    "What is the last value that your loop variable takes?",
    TIME,
    weights=lambda mask: mask * (np.arange(len(mask)) < len(mask) - 1)[:, None],
)
_mistake(
    "W24",
    "dW is transposed.",
    "dW[i, j] belongs to W[i, j]: i is the unit fed, j the unit that feeds. So δ comes first.",
    "Which vector of the outer product gives the row?",
    TIME,
    finish_UW=lambda dU, dW, n_steps: (dU, dW.T),
)
_mistake(
    "W25",
    "A token that comes more than once counts once: only one visit to its column of dU is left.",
    "Neither `dU[:, x] += ...` with an array x nor `dU[:, x[k]] = ...` adds up repeated visits.",
    "Try it on a sentence in which one word comes twice.",
    TIME,
    sum_U=lambda weighted, x, n_inputs: _scatter(weighted.sum(axis=0), x, n_inputs, add=False),
    also=(
        {
            "sum_U": lambda weighted, x, n_inputs: _scatter(
                weighted.sum(axis=0)[::-1], x[::-1], n_inputs, add=False
            )
        },
    ),
)
_mistake(
    "W26",
    "Of a sum over steps one term is left, as if each step wrote over the one before it.",
    "A gradient by a shared parameter is a sum over all steps: `+=`, where `=` overwrites.",
    "What is left of the first term after the second one?",
    TIME,
    "mxnet #4057; javaidnabi31/RNN-from-scratch #2",
    also=tuple(way for order in ("single", "up", "down", "chunks") for way in _last_written(order)),
    alone=True,
)
_mistake(
    "W27",
    "The error is passed forward in time: step t receives from t - 1.",
    "A loss depends on earlier steps, so blame goes from later steps to earlier ones.",
    "In which order must the steps be visited?",
    TIME,
    deltas=lambda params, error, s: _forward_in_time(params, error, s),
    weights=lambda mask: mask.T,
)
_mistake(
    "W28",
    "The error is divided by T on every hop, so that far contributions fade.",
    "A mean divides each term once, at the end or at the start, never inside the recursion.",
    "How often is the oldest contribution divided?",
    TIME,
    "datascience.SE 41581",
    weights=lambda mask: mask / len(mask) ** (_lag(len(mask)).clip(0) + 1.0),
    also=({"weights": lambda mask: mask / len(mask) ** _lag(len(mask)).clip(0).astype(float)},),
)
_mistake(
    "W29",
    "dU and dW are averaged over the steps; the loss is a sum.",
    "Loss and gradient must agree: the gradient of a sum is a sum.",
    "By which factor are they too small?",
    TIME,
    "the seed's comments (Ashutosh); d2l forum 334",
    finish_UW=lambda dU, dW, n_steps: (dU / n_steps, dW / n_steps),
)
_mistake(
    "W30",
    "dU and dW have the wrong sign.",
    "A gradient points where the loss rises.",
    "If you move against your gradient, does the loss fall?",
    TIME,
    finish_UW=lambda dU, dW, n_steps: (-dU, -dW),
)
_mistake(
    "W36",
    "Everything is averaged over the steps; the loss of the course is a sum.",
    "A mean is a fair choice too, but loss and gradient must make the same one.",
    "By which factor do you differ?",
    TIME,
    "gy910210 calculate_loss against bptt",
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) / len(y),
)
_mistake(
    "W36b",
    "Everything is divided by T · C: a mean ran over the classes as well.",
    "E is a sum over steps, with one term for each.",
    "By which factor do you differ?",
    TIME,
    "Element-Research/rnn #28",
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) / y_hat.size,
)
_mistake(
    "W36c",
    "Everything is T times too large, as if each loss were T times itself.",
    "E is the sum of the losses, each counted once.",
    "By which factor do you differ?",
    TIME,
    "gy910210 calculate_loss against bptt",
    error=lambda y_hat, y: (y_hat - _one_hot(y, y_hat.shape[1])) * len(y),
)


def _scatter(total, x, n_inputs, add=True):
    dU = np.zeros((total.shape[1], n_inputs))
    if add:
        np.add.at(dU.T, x, total)
    else:
        dU[:, x] += total.T
    return dU


def _forward_in_time(params, error, s):
    """δ_{t,k} with the roles of earlier and later steps exchanged; it is zero where k < t."""
    T = len(error)
    slope = 1 - s[1:] ** 2
    deltas = np.zeros((T, T, s.shape[1]))
    for t in range(T):
        deltas[t, t] = (error[t] @ params.V) * slope[t]
        for k in range(t + 1, T):
            deltas[t, k] = (deltas[t, k - 1] @ params.W) * slope[k]
    return deltas


# Truncation

_mistake(
    "T1",
    "The window is one step too narrow.",
    "τ counts hops: a window τ keeps τ + 1 contributions, the loss's own step among them.",
    "How many contributions does τ = 0 keep?",
    TRUNCATION,
    "WildML's loop against datainterview.com's",
    window_mask=lambda n_steps, window: (_lag(n_steps) >= 0) & (_lag(n_steps) < window),
)
_mistake(
    "T1b",
    "The window is one step too wide.",
    "τ counts hops: a window τ keeps τ + 1 contributions, the loss's own step among them.",
    "How many contributions does τ = 0 keep?",
    TRUNCATION,
    "WildML's loop against datainterview.com's",
    window_mask=lambda n_steps, window: (_lag(n_steps) >= 0) & (_lag(n_steps) <= window + 1),
)
_mistake(
    "T1c",
    "The chunks are one step too long, or one step too short.",
    "A chunk of k1 steps holds k1 losses and k1 steps; the next one starts right behind it.",
    "How many steps does your first chunk hold?",
    TRUNCATION,
    chunk_mask=lambda n_steps, k1: _chunks(n_steps, k1 + 1),
    also=({"chunk_mask": lambda n_steps, k1: _chunks(n_steps, max(1, k1 - 1))},),
)
_mistake(
    "T2",
    "One cut for the whole sentence: only its last steps get credit.",
    "A window belongs to each loss: loss t reaches back τ hops from t, wherever the sentence ends.",
    "How far back does the loss of an early step reach in your version?",
    TRUNCATION,
    "stats.SE 255203 (accepted answer); MyGrad PR #4",
    window_mask=lambda n_steps, window: (
        (_lag(n_steps) >= 0) & (np.arange(n_steps) >= n_steps - 1 - window)
    ),
)
_mistake(
    "T2b",
    "Only the last chunk is there.",
    "The gradient is a sum over all chunks; each one adds to it.",
    "What becomes of the first chunk's gradient when the second one comes?",
    TRUNCATION,
    chunk_mask=lambda n_steps, k1: (
        _chunks(n_steps, k1) & (np.arange(n_steps) // k1 == (n_steps - 1) // k1)
    ),
)
_mistake(
    "T2c",
    "Only the last loss of each chunk is sent back.",
    "Every step of a chunk has a loss, and each is sent back to the start of its chunk.",
    "What is added to the error when it arrives at an earlier step of the chunk?",
    TRUNCATION,
    chunk_mask=lambda n_steps, k1: _chunks(n_steps, k1) & _ends(n_steps, k1)[:, None],
)
_mistake(
    "T3",
    "This cuts the sentence into chunks; a window moves along with each loss.",
    "The first loss of a chunk reaches no step before it, though its window would.",
    "How far back does the first loss of your second chunk reach?",
    TRUNCATION,
    "d2l; R2RT",
    window_mask=lambda n_steps, window: _chunks(n_steps, window + 1),
    also=(
        {"window_mask": lambda n_steps, window: _chunks(n_steps, max(window, 1))},
        {"first_step": lambda t, window: t - t % (window + 1)},
        {"first_step": lambda t, window: t - t % max(window, 1)},
    ),
)
_mistake(
    "T3b",
    "This moves a window along with each loss; chunks have fixed borders.",
    "No error crosses the border of a chunk, however near it is.",
    "How far back does the first loss of a chunk reach?",
    TRUNCATION,
    chunk_mask=lambda n_steps, k1: (_lag(n_steps) >= 0) & (_lag(n_steps) < k1),
)
_mistake(
    "T3c",
    "The borders of the chunks are one step off.",
    "The first chunk is steps 0 … k1 - 1, the second starts at k1.",
    "Which steps does your first chunk hold?",
    TRUNCATION,
    chunk_mask=lambda n_steps, k1: _chunks(n_steps, k1, shift=1),
    also=({"chunk_mask": lambda n_steps, k1: _chunks(n_steps, k1, shift=k1 - 1)},),
)
_mistake(
    "T3d",
    "The chunks are counted from the end of the sentence.",
    "Chunks are cut as the sentence is read: from step 0 on, and the last may be shorter.",
    "If T is no multiple of k1, which of your chunks is the short one?",
    TRUNCATION,
    chunk_mask=lambda n_steps, k1: _chunks(n_steps, k1, shift=-n_steps),
)
_mistake(
    "T4",
    "Overlapping windows send the same losses back again: near terms count several times.",
    "Each term of the triangle belongs into the gradient once.",
    "How many of your backward sweeps does one loss take part in?",
    TRUNCATION,
    "PyTorch forum 15500",
    window_mask=lambda n_steps, window: _overlapping(n_steps, window),
)
_mistake(
    "T5",
    "Nothing is truncated: every loss reaches step 0.",
    "This is the whole gradient, and the truncated one was asked for.",
    "Where does your error stop?",
    TRUNCATION,
    "tensorflow/models #107",
    window_mask=lambda n_steps, window: _lag(n_steps) >= 0,
    also=(
        {"chunk_mask": lambda n_steps, k1: _lag(n_steps) >= 0},
        {"kept": np.ones_like},
    ),
)
_mistake(
    "T9",
    "A window that starts before step 0 is lost: its negative start counts from the end.",
    "Near the start of the sentence a window is cut off at step 0.",
    "What does `s[t - τ : t + 1]` hold when t < τ?",
    TRUNCATION,
    "mlpack #2070",
    window_mask=lambda n_steps, window: np.array(
        [
            np.isin(np.arange(n_steps), np.arange(n_steps)[t - window : t + 1])
            for t in range(n_steps)
        ]
    ),
)
_mistake(
    "T10",
    "The kept terms are scaled up to make good for the dropped ones.",
    "A truncated gradient is the sum of the kept terms; scaled, it is no loss's gradient.",
    "What is each kept term multiplied by?",
    TRUNCATION,
    window_mask=lambda n_steps, window: _compensated(n_steps, window),
    also=(
        {
            "window_mask": lambda n_steps, window: (
                Steps.window_mask(n_steps, window) * max(1, n_steps / (window + 1))
            )
        },
    ),
)
_mistake(
    "T11",
    "The triangle is turned over: step k gets credit for losses before it.",
    "A loss cannot depend on a step that comes after it, so k ≤ t.",
    "Rows are losses t, columns are steps k. Which of them comes first in time?",
    TRUNCATION,
    window_mask=lambda n_steps, window: (_lag(n_steps) <= 0) & (_lag(n_steps) >= -window),
    also=({"chunk_mask": lambda n_steps, k1: _chunks(n_steps, k1).T}, {"kept": np.transpose}),
)
_mistake(
    "T12",
    "Steps after the loss are kept as well: k ≤ t is missing.",
    "A loss cannot depend on a step that comes after it.",
    "Can loss 0 give credit to step 1?",
    TRUNCATION,
    window_mask=lambda n_steps, window: np.abs(_lag(n_steps)) <= window,
    also=(
        {"window_mask": lambda n_steps, window: _lag(n_steps) <= window},
        {"chunk_mask": lambda n_steps, k1: _chunks(n_steps, k1) | _chunks(n_steps, k1).T},
    ),
)
_mistake(
    "T13",
    "The loss's own step is left out of its window.",
    "The nearest contribution, k = t, is hop 0 and always belongs to it.",
    "How many contributions does τ = 0 keep?",
    TRUNCATION,
    window_mask=lambda n_steps, window: (_lag(n_steps) > 0) & (_lag(n_steps) <= window),
)
_mistake(
    "T18",
    "Only the terms exactly τ hops back are kept; the nearer ones are missing.",
    "A window of τ keeps all the lags 0 … τ, so the gradients of single lags are summed.",
    "What do the gradients for τ = 0 and τ = 1 have in common?",
    TRUNCATION,
    window_mask=lambda n_steps, window: _lag(n_steps) == window,
)
_mistake(
    "T13b",
    "The mask is turned round: what should be dropped is kept.",
    "True stands for a term that stays.",
    "What does your function do with a mask that is True everywhere?",
    TRUNCATION,
    kept=np.logical_not,
)
_mistake(
    "T13c",
    "The kept terms are averaged; they should be added.",
    "The gradient is a sum of its terms, however many there are.",
    "By which factor do you differ?",
    TRUNCATION,
    kept=lambda mask: mask / mask.sum(),
    also=({"kept": lambda mask: mask / mask.size},),
)


_mistake(
    "T14",
    "The state is frozen one step too late: the window is one step too narrow.",
    "A window of τ hops runs the steps t - τ … t, from the state before step t - τ.",
    "With τ = 0, which step still moves with the parameters?",
    TRUNCATION,
    first_step=lambda t, window: max(0, t - window + 1),
)
_mistake(
    "T14b",
    "The state is frozen one step too early: the window is one step too wide.",
    "A window of τ hops runs the steps t - τ … t, from the state before step t - τ.",
    "With τ = 0, how many steps does each loss run?",
    TRUNCATION,
    first_step=lambda t, window: max(0, t - window - 1),
)
_mistake(
    "T15",
    "Nothing is frozen: every loss runs from the initial state.",
    "That is the whole loss. The truncated one starts each run from a state of the base network.",
    "From which state does the run of a late loss start?",
    TRUNCATION,
    "the check that Igor made",
    first_step=lambda t, window: 0,
)
_mistake(
    "T15b",
    "Everything is frozen: no state moves with the parameters.",
    "The window of loss t is run again with the new parameters; only the state before it is held.",
    "Does your loss change when W does?",
    TRUNCATION,
    first_step=lambda t, window: t + 1,
)
_mistake(
    "T16",
    "Each run starts from the state after its first step, not from the one before it.",
    "s[k] is s_{k-1}, the state that step k starts from; s[k + 1] is its result.",
    "Which row of s does step k read?",
    TRUNCATION,
    freeze=lambda s_base, first, params: s_base[first + 1],
)
_mistake(
    "T17",
    "Each run starts from a zero state: the state was reset instead of frozen.",
    "Truncation cuts the way back only. Forwards, the state is carried on as always.",
    "What does the network remember at the start of a window?",
    TRUNCATION,
    "keras #8945",
    freeze=lambda s_base, first, params: np.zeros_like(s_base[0]),
)
_mistake(
    "T17b",
    "Each run starts from the initial state, wherever its window starts.",
    "The run of a window starts from the state that the base network had there.",
    "From which state does the run of a late loss start?",
    TRUNCATION,
    freeze=lambda s_base, first, params: s_base[0],
)


def _chunks(n_steps, k1, shift=0):
    chunk = (np.arange(n_steps) + shift) // k1
    return (_lag(n_steps) >= 0) & np.equal.outer(chunk, chunk)


def _ends(n_steps, k1):
    """Which steps are the last of their chunk."""
    steps = np.arange(n_steps)
    return (steps % k1 == k1 - 1) | (steps == n_steps - 1)


def _overlapping(n_steps, window):
    """How many windows, one ending at each step, hold both loss t and step k."""
    t, k = np.indices((n_steps, n_steps))
    last_end = np.minimum(k + window, n_steps - 1)
    return np.where(k <= t, np.maximum(last_end - t + 1, 0), 0)


def _compensated(n_steps, window):
    kept = np.minimum(np.arange(n_steps), window) + 1
    band = (_lag(n_steps) >= 0) & (_lag(n_steps) <= window)
    return band * ((np.arange(n_steps) + 1) / kept)[:, None]


# The measuring instrument

_mistake(
    "N1",
    "The difference is one-sided: it compares with the point itself, not with both neighbours.",
    "Its error shrinks like h; that of the central difference shrinks like h².",
    "At which two points is f asked for, and is the point between them in the middle?",
    START,
    "SO float precision",
    difference=lambda above, below, here, h: (above - here) / h,
    also=({"difference": lambda above, below, here, h: (here - below) / h},),
)
_mistake(
    "N1b",
    "The difference is divided by h; the two points are 2h apart.",
    "The result is twice the slope.",
    "How far is x + h from x - h?",
    START,
    difference=lambda above, below, here, h: (above - below) / h,
)
_mistake(
    "N1c",
    "The difference is not divided by the distance.",
    "A slope is a change per step.",
    "What happens to your result when h is halved?",
    START,
    difference=lambda above, below, here, h: above - below,
    also=({"difference": lambda above, below, here, h: (above - below) / 2},),
)
_mistake(
    "N1d",
    "The sign is turned: f(x - h) - f(x + h).",
    "A rising function has a positive slope.",
    "Try it on f(x) = x.",
    START,
    difference=lambda above, below, here, h: (below - above) / (2 * h),
)
_mistake(
    "N1e",
    "The division is by 2 and then multiplied by h: / 2 * h is not / (2 * h).",
    "Python divides and multiplies from left to right.",
    "Where does a bracket belong?",
    START,
    difference=lambda above, below, here, h: (above - below) / 2 * h,
)
_mistake(
    "N1f",
    "Only the second value is divided: a bracket is missing around the difference.",
    "Division binds tighter than subtraction.",
    "Where does a bracket belong?",
    START,
    difference=lambda above, below, here, h: above - below / (2 * h),
)
_mistake(
    "N1g",
    "This is a second derivative: it measures how the slope changes.",
    "The first derivative needs the difference of two values, not of three.",
    "What does your formula give for f(x) = x?",
    START,
    difference=lambda above, below, here, h: (above - 2 * here + below) / h**2,
)


# The check itself


def _ratios(analytic, numerical):
    """The error of each entry, relative to the two numbers themselves."""
    return np.abs(analytic - numerical) / (np.abs(analytic) + np.abs(numerical))


_mistake(
    "N2",
    "The check has a hole: what is not a number passes.",
    "`nan > rtol` is False, so an error that cannot be computed counts as small.",
    "What does your check say of a gradient that is all NaN?",
    CASES,
    "the seed's gradient_check",
    passes=lambda a, n, rtol: np.array(not (_ratios(a, n) > rtol).any()),
    also=(
        {"passes": lambda a, n, rtol: np.array(not np.abs(a - n).max() > rtol * np.abs(n).max())},
    ),
)
_mistake(
    "N2b",
    "Zero against zero fails: each entry is divided by its own size.",
    "0/0 is no number. A gradient has zeros that are right: columns of tokens that never came.",
    "What does your check say when both gradients are zero?",
    CASES,
    passes=lambda a, n, rtol: np.array((_ratios(a, n) <= rtol).all()),
)
_mistake(
    "N2c",
    "The error is absolute: small gradients always pass.",
    "Twice a tiny gradient is as wrong as twice a large one.",
    "What does your check say if both gradients are a million times smaller?",
    CASES,
    passes=lambda a, n, rtol: np.array(np.abs(a - n).max() <= rtol),
)
_mistake(
    "N2d",
    "The sign is lost: sizes are compared.",
    "A gradient of the wrong sign goes uphill.",
    "What does your check say of a gradient and its negative?",
    CASES,
    passes=lambda a, n, rtol: Steps.passes(np.abs(a), np.abs(n), rtol),
)


# Jacobians

_mistake(
    "J1",
    "The Jacobians stand in the wrong order.",
    "s_t is computed last, so its Jacobian is applied last: it stands on the left.",
    "Which Jacobian does a small change of s_k meet first?",
    VANISHING,
    path=lambda jacobians, n: Steps.path(list(jacobians)[::-1], n),
)
_mistake(
    "J2",
    "One Jacobian too many: that of the step where the path starts.",
    "J_k leads from s_{k-1} to s_k. From s_k on, the first is J_{k+1}.",
    "What should come out for t = k?",
    VANISHING,
    path_steps=lambda t, k: range(max(k, 0), t + 1),
)
_mistake(
    "J3",
    "One Jacobian too few: that of the last step is missing.",
    "The path ends at s_t, so it takes the hop that makes s_t.",
    "How many hops lie between step k and step t?",
    VANISHING,
    path_steps=lambda t, k: range(k + 1, t),
)
_mistake(
    "J4",
    "The columns of W are scaled by the slopes, not the rows.",
    "J = diag(1 - s²) W: the slope of unit i multiplies row i, all that feeds unit i.",
    "Which axis does NumPy's `*` go along?",
    VANISHING,
    jacobian_of_state=lambda W, s, j: (1 - s[j + 1] ** 2) * W,
    slopes_times=lambda slopes, W: slopes * W,
)
_mistake(
    "J5",
    "The slope is taken at the state before the hop.",
    "The tanh that the hop passes is that of the state it arrives at.",
    "Which state does J_j differentiate?",
    VANISHING,
    jacobian_of_state=lambda W, s, j: (1 - s[j] ** 2)[:, None] * W,
)
_mistake(
    "J6",
    "The slopes of tanh are missing: this is a power of W.",
    "Every hop passes a tanh, whose slope is below 1 wherever the state is not zero.",
    "What happens to the Jacobian of a unit that is saturated?",
    VANISHING,
    jacobian_of_state=lambda W, s, j: W,
)
_mistake(
    "J7",
    "The Jacobian is transposed.",
    "Entry [i, j] says how unit i at the later step depends on unit j at the earlier one.",
    "Which index belongs to the later step?",
    VANISHING,
    path=lambda jacobians, n: Steps.path(jacobians, n).T,
    slopes_times=lambda slopes, W: (slopes[:, None] * W).T,
)
_mistake(
    "J8",
    "The Jacobians are multiplied entry by entry.",
    "A chain of derivatives is a matrix product: it sums over the units in between.",
    "Which operator is the matrix product?",
    VANISHING,
    path=lambda jacobians, n: np.prod([np.ones((n, n)), *jacobians], axis=0),
)
_mistake(
    "J9",
    "The Frobenius norm is taken for the spectral norm.",
    "The Frobenius norm is that of all entries; how far a vector can be stretched is less.",
    "What is your norm of the identity matrix?",
    VANISHING,
    size=np.linalg.norm,
)
_mistake(
    "J10",
    "The spectral radius is taken for the norm.",
    "Eigenvalues say what high powers of a matrix do; singular values bound each single hop.",
    "What is the norm of [[0, 1], [0, 0]]?",
    VANISHING,
    "Pascanu et al., first arXiv version; ai.SE 20378",
    size=lambda matrix: np.abs(np.linalg.eigvals(matrix)).max(),
)
_mistake(
    "J11",
    "The largest entry is taken for the norm.",
    "The entries are not the criterion: many small ones together stretch a vector, too.",
    "What does a matrix of ones do to a vector of ones?",
    VANISHING,
    "the seed: large values in the Jacobian",
    size=lambda matrix: np.abs(matrix).max(),
)
_mistake(
    "J12",
    "The bound is 1, whatever W is.",
    "The slopes are at most 1, but W may stretch.",
    "Where does W enter?",
    VANISHING,
    "the seed: an upper bound of 1",
    grown=lambda size, n_hops: 1.0,
    also=({"grown": lambda size, n_hops: min(size, 1.0) ** n_hops},),
)
_mistake(
    "J13",
    "The norm is multiplied by the number of hops, not raised to it.",
    "Each hop multiplies once more.",
    "What is the bound for two hops?",
    VANISHING,
    grown=lambda size, n_hops: size * n_hops,
)
_mistake(
    "J14",
    "The slope of tanh is taken for that of the sigmoid.",
    "The slope of the sigmoid σ is σ (1 - σ).",
    "How large is your slope at 0, and how steep is the sigmoid there?",
    VANISHING,
    sigmoid_slope=lambda a: 1 - np.tanh(a) ** 2,
    also=({"sigmoid_slope": lambda a: 1 - (1 / (1 + np.exp(-a))) ** 2},),
)
_mistake(
    "J15",
    "The formula for a value is applied to the pre-activation: a (1 - a).",
    "σ (1 - σ) needs the value of the sigmoid, not what goes into it.",
    "Can a slope of the sigmoid be negative?",
    VANISHING,
    sigmoid_slope=lambda a: a * (1 - a),
)
_mistake(
    "J16",
    "This is the sigmoid itself, not its slope.",
    "Far to the right the sigmoid is 1, and flat.",
    "What is the slope far to the right?",
    VANISHING,
    sigmoid_slope=lambda a: 1 / (1 + np.exp(-a)),
)
_mistake(
    "J17",
    "The value of ReLU is taken for its slope.",
    "Where a unit is active its slope is 1, however large its value is.",
    "How much does max(0, a) change when a goes from 3 to 3.1?",
    VANISHING,
    relu_slope=lambda a: np.maximum(a, 0),
)
_mistake(
    "J18",
    "The slope of ReLU is turned round: it is 1 where the unit is off.",
    "max(0, a) follows a where a is positive.",
    "What is the slope at a = 2?",
    VANISHING,
    relu_slope=lambda a: (a <= 0).astype(float),
    also=({"relu_slope": np.sign},),
)
_mistake(
    "J19",
    "The norm is scaled, not the spectral radius.",
    "The radius is the largest absolute value of an eigenvalue.",
    "Which of the two does your function set?",
    VANISHING,
    radius=lambda W: np.linalg.norm(W, 2),
    also=({"radius": np.linalg.norm},),
)
_mistake(
    "J20",
    "Only the real parts of the eigenvalues are looked at.",
    "A rotation has eigenvalues that are not real, and keeps every length.",
    "What are the eigenvalues of [[0, 2], [-1/2, 0]]?",
    VANISHING,
    radius=lambda W: np.linalg.eigvals(W).real.max(),
    also=({"radius": lambda W: np.abs(np.linalg.eigvals(W).real).max()},),
)
_mistake(
    "J21",
    "W is multiplied by the radius, whatever radius it had.",
    "Divide by the radius that it has, and multiply by the one that it should have.",
    "What is the radius of your result?",
    VANISHING,
    radius=lambda W: 1.0,
)
_mistake(
    "J22",
    "The error goes forwards through W, not back through its transpose.",
    "An error at s_t reaches s_{t-1} through Wᵀ, after the slope at s_t.",
    "Which index of W belongs to the earlier step?",
    VANISHING,
    sent_back=lambda W, s_t, error: W @ (error * (1 - s_t**2)),
)
_mistake(
    "J23",
    "The slope is applied after the hop, to the wrong units.",
    "The error passes the tanh of s_t first, and then W.",
    "To which step do the slopes belong?",
    VANISHING,
    sent_back=lambda W, s_t, error: (W.T @ error) * (1 - s_t**2),
)


# Gates, forward mode and closed loop

_mistake(
    "G1",
    "Input and forget gate have changed places.",
    "The blocks are stacked as i, f, o, g: input, forget, output, candidate.",
    "Which gate multiplies the old cell?",
    GATES,
    lstm_carry=lambda i, f, g, c_prev: i * c_prev + f * g,
    meets=lambda i, f, o, g, c_prev, c: (c_prev, g, np.tanh(c), f),
)
_mistake(
    "G2",
    "The candidate goes through a sigmoid.",
    "g may be negative: it is what is written into the cell. Only gates lie between 0 and 1.",
    "Which of the four is no gate?",
    GATES,
    candidate=lambda a: 1 / (1 + np.exp(-a)),
)
_mistake(
    "G3",
    "The gates go through tanh.",
    "A gate says how much passes, from 0 to 1; tanh would turn signs round.",
    "Between which numbers must a gate lie?",
    GATES,
    sigmoid=np.tanh,
)
_mistake(
    "G4",
    "The old cell is lost: c = i ⊙ g.",
    "The forget gate decides how much of the old cell stays; without it nothing is remembered.",
    "Where does the previous cell enter?",
    GATES,
    lstm_carry=lambda i, f, g, c_prev: i * g,
)
_mistake(
    "G5",
    "The input gate is missing: c = f ⊙ c + g.",
    "The input gate decides how much of the candidate is written.",
    "Which gate is never used?",
    GATES,
    lstm_carry=lambda i, f, g, c_prev: f * c_prev + g,
)
_mistake(
    "G6",
    "1 - f takes the place of the input gate, or of the forget gate.",
    "That is a GRU's economy. An LSTM has two gates of their own.",
    "Do both gates enter your cell?",
    GATES,
    lstm_carry=lambda i, f, g, c_prev: f * c_prev + (1 - f) * g,
    also=({"lstm_carry": lambda i, f, g, c_prev: (1 - f) * c_prev + i * g},),
)
_mistake(
    "G7",
    "The cell is shown as it is: s = o ⊙ c, without tanh.",
    "The cell may grow without bound; tanh keeps the state within -1 and 1.",
    "How large can your state become?",
    GATES,
    lstm_show=lambda o, c: o * c,
)
_mistake(
    "G8",
    "The output gate is missing: s = tanh(c).",
    "The output gate decides how much of the cell is shown.",
    "Which gate is never used?",
    GATES,
    lstm_show=lambda o, c: np.tanh(c),
)
_mistake(
    "G10",
    "What comes back along the cell from later steps is missing.",
    "c is used twice: for the state of this step, and for the next cell. Both send an error.",
    "Where does d_c enter?",
    GATES,
    "dl.ai 555129",
    into_cell=lambda d_s, d_c, o, squashed: d_s * o * (1 - squashed**2),
)
_mistake(
    "G11",
    "What the state sends into the cell is missing.",
    "s = o ⊙ tanh(c), so the error of the state reaches the cell, too.",
    "How does d_s reach the forget gate?",
    GATES,
    into_cell=lambda d_s, d_c, o, squashed: d_c,
)
_mistake(
    "G12",
    "The slope of tanh(c) is missing on the way from s to c.",
    "The error passes o and the tanh around the cell.",
    "What is the derivative of o ⊙ tanh(c) by c?",
    GATES,
    into_cell=lambda d_s, d_c, o, squashed: d_c + d_s * o,
)
_mistake(
    "G13",
    "tanh is taken twice: the slope is 1 - tanh(tanh(c))².",
    "The slope of tanh at c is 1 - tanh(c)²; if you hold tanh(c), do not take tanh of it again.",
    "What does your variable hold, c or tanh(c)?",
    GATES,
    "nicklashansen #1",
    into_cell=lambda d_s, d_c, o, squashed: d_c + d_s * o * (1 - np.tanh(squashed) ** 2),
)
_mistake(
    "G14",
    "The output gate is missing on the way from s to c.",
    "s = o ⊙ tanh(c): by c, the factor o stays.",
    "What is the derivative of o ⊙ tanh(c) by c?",
    GATES,
    into_cell=lambda d_s, d_c, o, squashed: d_c + d_s * (1 - squashed**2),
)
_mistake(
    "G15",
    "The slopes of the gates are missing.",
    "The derivative is asked for in front of the sigmoid, so it passes its slope, σ (1 - σ).",
    "What lies between a gate and its pre-activation?",
    GATES,
    gate_slope=np.ones_like,
)
_mistake(
    "G16",
    "The gates get the slope of tanh.",
    "A gate is a sigmoid; its slope is σ (1 - σ).",
    "Which function made the gate?",
    GATES,
    gate_slope=lambda gate: 1 - gate**2,
)
_mistake(
    "G17",
    "The candidate gets the slope of a sigmoid.",
    "The candidate is a tanh; its slope is 1 - g².",
    "Which function made the candidate?",
    GATES,
    candidate_slope=lambda g: g * (1 - g),
)
_mistake(
    "G18",
    "The slope of the candidate is missing.",
    "The derivative is asked for in front of the tanh.",
    "What lies between g and its pre-activation?",
    GATES,
    candidate_slope=np.ones_like,
)
_mistake(
    "G19",
    "The forget gate meets the new cell; it multiplied the old one.",
    "c_t = f ⊙ c_{t-1} + ...: beside f stands c_{t-1}.",
    "Which cell did f multiply?",
    GATES,
    meets=lambda i, f, o, g, c_prev, c: (g, c, np.tanh(c), i),
)
_mistake(
    "G20",
    "The output gate meets the cell; it multiplied tanh of it.",
    "s_t = o ⊙ tanh(c_t): beside o stands tanh(c_t).",
    "What did o multiply?",
    GATES,
    meets=lambda i, f, o, g, c_prev, c: (g, c_prev, c, i),
)
_mistake(
    "G21",
    "The forget gate is missing on the way back along the cell.",
    "c_t = f ⊙ c_{t-1} + ...: by c_{t-1}, the factor f stays.",
    "What if the forget gate is closed: may anything pass?",
    GATES,
    back_along_cell=lambda d_c, f, from_later: d_c,
)
_mistake(
    "G21b",
    "The cell before gets only what came from later steps: this step's own error is left out.",
    "c_{t-1} is in c_t, and c_t sends an error from the state of this step as well.",
    "What is all that reaches c_t, before it goes on to c_{t-1}?",
    GATES,
    back_along_cell=lambda d_c, f, from_later: from_later * f,
)
_mistake(
    "G22",
    "The update gate is turned round: z takes the new, 1 - z keeps the old.",
    "Here z says how much of the old state stays. Both conventions are in use; be consistent.",
    "What should a z of 1 do?",
    GATES,
    mix=lambda z, n, s_prev: (1 - z) * s_prev + z * n,
    by_update=lambda s_prev, n: n - s_prev,
    by_candidate=lambda z: z,
)
_mistake(
    "G23",
    "The reset gate is missing.",
    "The candidate sees the old state through the reset gate.",
    "Which gate is never used?",
    GATES,
    reset=lambda W_n, r, s_prev: W_n @ s_prev,
)
_mistake(
    "G24",
    "The reset gate stands outside the product: r ⊙ (W_n s).",
    "Here it stands inside, W_n (r ⊙ s). Frameworks differ; PyTorch puts it outside.",
    "Is the state reset before or after it meets W_n?",
    GATES,
    reset=lambda W_n, r, s_prev: r * (W_n @ s_prev),
)
_mistake(
    "G25",
    "The update gate's error has the wrong sign.",
    "s = z ⊙ s_prev + (1 - z) ⊙ n: by z, that is s_prev - n.",
    "If z grows, does the state move towards s_prev or away from it?",
    GATES,
    by_update=lambda s_prev, n: n - s_prev,
)
_mistake(
    "G26",
    "The update gate meets the old state only.",
    "s = z ⊙ s_prev + (1 - z) ⊙ n: z stands there twice.",
    "Which terms hold z?",
    GATES,
    by_update=lambda s_prev, n: s_prev,
)
_mistake(
    "G27",
    "The candidate receives the whole error.",
    "The candidate is multiplied by 1 - z.",
    "What if z is 1: can the candidate matter?",
    GATES,
    by_candidate=np.ones_like,
)
_mistake(
    "G28",
    "The direct way back is missing: s_prev is kept with weight z.",
    "That is the way on which a GRU remembers.",
    "How does the old state get into the new one without any gate's help?",
    GATES,
    ways_back=lambda direct, reset, z, r: reset + z + r,
)
_mistake(
    "G29",
    "The way back through the candidate is missing.",
    "The candidate sees r ⊙ s_prev.",
    "In how many places does s_prev stand?",
    GATES,
    ways_back=lambda direct, reset, z, r: direct + z + r,
)
_mistake(
    "G30",
    "The ways back through the gates are missing.",
    "Both gates look at s_prev.",
    "In how many places does s_prev stand?",
    GATES,
    ways_back=lambda direct, reset, z, r: direct + reset,
    also=(
        {"ways_back": lambda direct, reset, z, r: direct + reset + r},
        {"ways_back": lambda direct, reset, z, r: direct + reset + z},
    ),
)
_mistake(
    "G40",
    "The influence so far is lost: only the immediate derivative is left.",
    "W moved the state before as well, and that moves this one.",
    "Where does the previous influence enter?",
    GATES,
    "the seed's comments (martian)",
    carried=lambda W, influence: np.zeros_like(influence),
)
_mistake(
    "G41",
    "The immediate derivative is missing.",
    "W enters at this step, too: beside row i of W stands s_{t-1}.",
    "What is the influence after the first step?",
    GATES,
    immediate=lambda s_prev, s_t: np.zeros((len(s_t),) * 3),
)
_mistake(
    "G42",
    "W is transposed: forwards, influence goes through W itself.",
    "Unit k is fed by Σ_l W[k, l] s_l, so influences are summed over the second index.",
    "Is this a backward pass?",
    GATES,
    carried=lambda W, influence: np.tensordot(W.T, influence, 1),
)
_mistake(
    "G43",
    "W is missing: influence is carried over as it is.",
    "The influence on the state before reaches this one through W.",
    "How does s_{t-1} enter s_t?",
    GATES,
    carried=lambda W, influence: influence,
)
_mistake(
    "G44",
    "The slope of tanh is missing.",
    "Both parts pass the tanh of this step.",
    "Where does 1 - s² enter?",
    GATES,
    influence_slope=lambda s_t: 1.0,
)
_mistake(
    "G45",
    "The slope is applied to the wrong index.",
    "The slope belongs to the unit that is influenced, the first index.",
    "Whose tanh is it?",
    GATES,
    influence_slope=lambda s_t: (1 - s_t**2)[None, :, None],
    also=({"influence_slope": lambda s_t: 1 - s_t**2},),
)
_mistake(
    "G46",
    "The immediate derivative has s_t where s_{t-1} belongs.",
    "a_t = U x_t + W s_{t-1}: beside W stands the state before.",
    "What did W multiply?",
    GATES,
    immediate=lambda s_prev, s_t: Steps.immediate(s_t, s_t),
)
_mistake(
    "G47",
    "Rows and columns of W are exchanged in the immediate derivative.",
    "Unit k is fed by row k of W: the entry [k, k, j] is s_{t-1}[j].",
    "Which entries of W feed unit k?",
    GATES,
    immediate=lambda s_prev, s_t: Steps.immediate(s_prev, s_t).transpose(0, 2, 1),
)
_mistake(
    "G48",
    "The immediate derivative stands in every unit, not in its own alone.",
    "W[i, j] feeds unit i and, at this step, no other.",
    "Which units does one row of W feed?",
    GATES,
    immediate=lambda s_prev, s_t: np.broadcast_to(s_prev, (len(s_t),) * 3),
)
_mistake(
    "G50",
    "The way through the predictions is missing.",
    "ŷ_t is the next input, so the next step sends its error back to it.",
    "In how many places is ŷ_t used?",
    GATES,
    "the seed's comments (Scott)",
    through_prediction=lambda U, delta, y_hat_t: 0.0,
)
_mistake(
    "G51",
    "The softmax Jacobian is missing on the way through the prediction.",
    "The error arrives at ŷ_t and must pass the softmax to get to the logits.",
    "What lies between ŷ_t and z_t?",
    GATES,
    through_prediction=lambda U, delta, y_hat_t: U.T @ delta,
)
_mistake(
    "G52",
    "Only the diagonal of the softmax Jacobian is used.",
    "Every logit moves every probability.",
    "Do the entries of your error at the logits sum to zero?",
    GATES,
    through_prediction=lambda U, delta, y_hat_t: y_hat_t * (1 - y_hat_t) * (U.T @ delta),
    also=({"through_prediction": lambda U, delta, y_hat_t: y_hat_t * (U.T @ delta)},),
)


# Training

_mistake(
    "L1",
    "The step goes uphill: the gradient is added.",
    "The gradient points where the loss rises; descent goes the other way.",
    "Does the loss fall after your step?",
    TRAINING,
    update=lambda parameter, gradient, rate: parameter + rate * gradient,
)
_mistake(
    "L2",
    "The step is the update alone: the old parameters are missing.",
    "A step starts from where the parameters are.",
    "What remains of the parameters if the gradient is zero?",
    TRAINING,
    update=lambda parameter, gradient, rate: -rate * gradient,
)
_mistake(
    "L3",
    "The learning rate is missing.",
    "The rate says how far to go in the direction of the gradient.",
    "What happens to your step when the learning rate is halved?",
    TRAINING,
    update=lambda parameter, gradient, rate: parameter - gradient,
    also=({"update": lambda parameter, gradient, rate: parameter - gradient / rate},),
)
_mistake(
    "L4",
    "The parameters shrink as well: the rate multiplies all of the difference.",
    "Only the gradient is multiplied by the learning rate.",
    "Where does the bracket belong?",
    TRAINING,
    update=lambda parameter, gradient, rate: rate * (parameter - gradient),
)
_mistake(
    "L5",
    "Every matrix is clipped by its own norm.",
    "One norm is meant, of all matrices together; else the gradient turns.",
    "How many norms does your function compute?",
    TRAINING,
    clip=lambda gradient, limit: [g * min(1.0, limit / np.linalg.norm(g)) for g in gradient],
)
_mistake(
    "L6",
    "Entries are clipped one by one: this is clipping by value.",
    "Clipping by norm scales all entries by the same factor, and so keeps the direction.",
    "Do all entries shrink by the same factor?",
    TRAINING,
    clip=lambda gradient, limit: [np.clip(g, -limit, limit) for g in gradient],
)
_mistake(
    "L7",
    "Short gradients are stretched to the limit.",
    "A gradient that is shorter than the limit stays as it is.",
    "What does your function do with a gradient that is short enough?",
    TRAINING,
    shrink=lambda norm, max_norm: max_norm / norm,
)
_mistake(
    "L8",
    "The square root is missing: the norm is squared.",
    "The norm is the root of the sum of squares.",
    "How does your norm change when the gradient is doubled?",
    TRAINING,
    norm=lambda gradient: sum((matrix**2).sum() for matrix in gradient),
)
_mistake(
    "L9",
    "The norm is a mean over the entries.",
    "The norm is the root of the sum of squares, not of their mean.",
    "Does your norm depend on how many entries there are?",
    TRAINING,
    norm=lambda gradient: np.sqrt(
        sum((m**2).sum() for m in gradient) / sum(m.size for m in gradient)
    ),
)
_mistake(
    "L10",
    "The largest entry is taken for the norm.",
    "The norm is the root of the sum of all squares.",
    "Does your norm change when one of the smaller entries does?",
    TRAINING,
    norm=lambda gradient: max(np.abs(matrix).max() for matrix in gradient),
)
_mistake(
    "L11",
    "A gradient that is too long is set to zero.",
    "Clipping shortens the step; it does not leave it out.",
    "What does an update with your clipped gradient do?",
    TRAINING,
    shrink=lambda norm, max_norm: float(norm <= max_norm),
)
_mistake(
    "L12",
    "The sequence is rolled: its end comes back at its start.",
    "Before step `lag` there is nothing to repeat yet.",
    "What should be answered at step 0?",
    TRAINING,
    delay=lambda x, lag, n_symbols: np.roll(x, lag),
)
_mistake(
    "L13",
    "The targets look ahead: y_t is x_{t + lag}.",
    "A delay repeats what has been read, not what will be.",
    "Which token is asked for at the last step?",
    TRAINING,
    delay=lambda x, lag, n_symbols: np.concatenate([x[lag:], np.full(lag, n_symbols)]),
)
_mistake(
    "L14",
    "The delay is one step too long.",
    "At step t, the token of step t - lag is asked for; with lag 0, that of step t itself.",
    "What should come out with a lag of 0?",
    TRAINING,
    delay=lambda x, lag, n_symbols: np.concatenate([np.full(lag + 1, n_symbols), x])[: len(x)],
)
_mistake(
    "L15",
    "*Nothing yet* has the number of a symbol.",
    "Symbols are 0 to n_symbols - 1, so the next free class is n_symbols.",
    "Which class can no symbol have?",
    TRAINING,
    delay=lambda x, lag, n_symbols: np.concatenate([np.full(lag, 0), x[: len(x) - lag]]),
    also=(
        {
            "delay": lambda x, lag, n_symbols: np.concatenate(
                [np.full(lag, n_symbols - 1), x[: len(x) - lag]]
            )
        },
    ),
)
_mistake(
    "L16",
    "All steps count, also those that were not to be scored.",
    "Steps that anybody can answer would hide the ones that need memory.",
    "Where does `scored` enter?",
    TRAINING,
    score=lambda answers, y, scored: (answers == y).mean(),
)
_mistake(
    "L17",
    "Right answers at scored steps are divided by all answers.",
    "A fraction of the scored steps is asked for.",
    "What is your result if every scored answer is right?",
    TRAINING,
    score=lambda answers, y, scored: (answers == y)[scored].sum() / y.size,
)
_mistake(
    "L18",
    "The wrong answers are counted.",
    "Accuracy is the fraction that is right.",
    "What is your result if every answer is right?",
    TRAINING,
    score=lambda answers, y, scored: (answers != y)[scored].mean(),
)
_mistake(
    "L19",
    "What survives a cut keeps the weight 1, so far terms are too small in the mean.",
    "A term that survives with probability p must count 1/p, so that its mean is its value.",
    "What is the mean of your weight over many random cuts?",
    TRAINING,
    "Tallec & Ollivier (2017)",
    reweigh=lambda n_hops, probability: np.ones(n_hops + 1),
)
_mistake(
    "L20",
    "The weight is divided by the probability of a cut, not by that of no cut.",
    "What survives a hop does so with probability 1 - c.",
    "What is the weight if cuts are very rare?",
    TRAINING,
    reweigh=lambda n_hops, probability: probability ** -np.arange(n_hops + 1.0),
)
_mistake(
    "L21",
    "A cut drops one lag only; what lies behind it comes back.",
    "Whoever does not pass a border never reaches what lies behind it.",
    "How does the error get behind a cut in your version?",
    TRAINING,
    survive=lambda cuts: (~cuts).astype(float),
)
_mistake(
    "L22",
    "All lags have the same weight 1 / (1 - c), however many hops they took.",
    "Each hop had to be survived, and each contributes a factor.",
    "With which probability is the term five hops back still there?",
    TRAINING,
    reweigh=lambda n_hops, probability: np.append(1.0, np.full(n_hops, 1 / (1 - probability))),
)
_mistake(
    "L23",
    "One hop too few: n hops have n + 1 contributions.",
    "The contribution of lag 0 took no hop at all.",
    "How many contributions are there without any hop?",
    TRAINING,
    chain_terms=lambda A, v, n_hops: [
        (np.linalg.matrix_power(A, lag) @ v)[0] for lag in range(n_hops)
    ],
)
_mistake(
    "L24",
    "Only the longest path counts.",
    "The slope is a sum over all lags: the parameter entered at every step.",
    "What does the input of the last step contribute?",
    TRAINING,
    chain_terms=lambda A, v, n_hops: [(np.linalg.matrix_power(A, n_hops) @ v)[0]],
)
_mistake(
    "L25",
    "A is transposed.",
    "The influence of unit j on unit i is A[i, j]: forwards, A stands on the left of the state.",
    "Which unit feeds which?",
    TRAINING,
    chain_terms=lambda A, v, n_hops: [
        (v @ np.linalg.matrix_power(A, lag))[0] for lag in range(n_hops + 1)
    ],
)
_mistake(
    "L26",
    "A is raised to its powers entry by entry.",
    "`A ** n` takes powers of entries; hops are matrix products.",
    "What does `**` do with an array?",
    TRAINING,
    chain_terms=lambda A, v, n_hops: [(A**lag @ v)[0] for lag in range(n_hops + 1)],
    also=(
        {
            "chain_terms": lambda A, v, n_hops: [
                v[0],
                *((A**lag @ v)[0] for lag in range(1, n_hops + 1)),
            ]
        },
    ),
)


# Mistakes that are seen in how a function behaves, not in a step: the check itself recognises them

_mistake(
    "F16",
    "The function changes what it was given.",
    "Others still need the original: the next call, and the check of the gradient itself.",
    "Which line assigns into an argument, or into a view of one?",
    FORWARD,
    "Burton2000/CS231n-2017 #7; SullyChen/FFANN #3",
)
_mistake(
    "V12",
    "Rows and columns have changed places: the array is transposed.",
    "Entry [i, j] belongs to entry [i, j]; a gradient, for one, has the shape of its parameter.",
    "What should one row of it stand for? In an outer product, the first vector gives the row.",
    OUTPUT,
    "the seed's comments (Ashutosh, Boussad)",
)
_mistake(
    "W31",
    "A second call with the same arguments gives another result: something is kept between calls.",
    "Sums that start in a global variable or in a default argument go on growing.",
    "Where are your sums set to zero, and how often does that line run?",
    TIME,
    "PyTorch habit (zero_grad)",
)
_mistake(
    "W33",
    "The gradient is clipped.",
    "A clipped gradient is not the gradient; clip after the check, where the step is taken.",
    "What do your entries have in common, or the norms of your gradients, when they are large?",
    TIME,
    "karpathy min-char-rnn (gradCheck)",
)
_mistake(
    "W35",
    "The gradients are right, but returned in another order.",
    "Whoever calls the function unpacks them in the order that the docstring gives.",
    "Compare your last line with the docstring.",
    TIME,
    "gy910210 returns dU, dW, dV; WildML dU, dV, dW",
)
_mistake(
    "W37",
    "The results are right, but in reverse order.",
    "A loop that goes back in time meets the last step first, and appends its result first.",
    "To which step does the first of your results belong?",
    TIME,
)
