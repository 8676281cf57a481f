//! An automaton that finds many byte strings at once, one symbol at a time.

use aho_corasick::{
    Anchored, MatchKind,
    automaton::{Automaton as _, StateID},
    nfa::contiguous::NFA,
};

/// Finds strings in a stream of symbols; the caller keeps the state.
pub(super) struct Automaton {
    nfa: Option<NFA>,
    start: State,
    /// By state: how many of the last symbols are the beginning of a string.
    depths: Vec<u32>,
    longest: usize,
}

/// A place in an [`Automaton`].
pub(super) type State = StateID;

impl Automaton {
    /// One for these strings, none of which is empty.
    pub(super) fn new(strings: &[Vec<u8>]) -> Self {
        let nfa = (!strings.is_empty())
            .then(|| NFA::builder().match_kind(MatchKind::Standard).build(strings))
            .map(|built| match built {
                Ok(nfa) => nfa,
                // More than 2^31 states: the limits of secrets are far below.
                Err(error) => panic!("the forms of the secrets are too many: {error}"),
            });
        let mut automaton = Self {
            start: State::default(),
            depths: Vec::new(),
            longest: strings.iter().map(Vec::len).max().unwrap_or(0),
            nfa,
        };
        if let Some(nfa) = &automaton.nfa {
            automaton.start = match nfa.start_state(Anchored::No) {
                Ok(start) => start,
                Err(error) => panic!("the automaton has no start: {error}"),
            };
            let mut depths = Vec::new();
            for string in strings {
                let mut state = automaton.start;
                for (index, symbol) in string.iter().enumerate() {
                    state = nfa.next_state(Anchored::No, state, *symbol);
                    let place = state.as_usize();
                    if depths.len() <= place {
                        depths.resize(place + 1, 0);
                    }
                    depths[place] = u32::try_from(index + 1).unwrap_or(u32::MAX);
                }
            }
            automaton.depths = depths;
        }
        automaton
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nfa.is_none()
    }

    /// The state before any symbol.
    pub(super) fn start(&self) -> State {
        self.start
    }

    /// The length of the longest string.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The state after one more symbol.
    #[inline]
    pub(super) fn next(&self, state: State, symbol: u8) -> State {
        match &self.nfa {
            Some(nfa) => nfa.next_state(Anchored::No, state, symbol),
            None => state,
        }
    }

    /// The length of the longest string that ends here.
    #[inline]
    pub(super) fn found(&self, state: State) -> Option<usize> {
        let nfa = self.nfa.as_ref()?;
        if !nfa.is_match(state) {
            return None;
        }
        (0..nfa.match_len(state))
            .map(|index| nfa.pattern_len(nfa.match_pattern(state, index)))
            .max()
    }

    /// How many of the last symbols are the beginning of a string.
    pub(super) fn depth(&self, state: State) -> usize {
        let depth = self.depths.get(state.as_usize()).copied().unwrap_or(0);
        usize::try_from(depth).unwrap_or(usize::MAX)
    }
}
