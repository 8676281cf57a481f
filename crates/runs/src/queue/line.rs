//! The order of those who wait: people take turns, the agents of one person
//! take turns within that, and the runs of one agent keep the order they came
//! in. So whoever starts many runs waits for their own, not others for them.

use model::{AgentId, UserId};
use std::collections::VecDeque;

/// Everybody who waits. Nobody in it has an empty list.
pub(super) struct Line<T> {
    people: VecDeque<Person<T>>,
    length: usize,
}

struct Person<T> {
    id: UserId,
    agents: VecDeque<Agent<T>>,
}

struct Agent<T> {
    id: AgentId,
    waiting: VecDeque<(u64, T)>,
}

impl<T> Person<T> {
    fn length(&self) -> usize {
        self.agents.iter().map(|agent| agent.waiting.len()).sum()
    }
}

/// How many of a round robin come before the item `index` of member `member`, when each member has so
/// many.
fn before_in_turns(lengths: impl Iterator<Item = usize>, member: usize, index: usize) -> usize {
    let others = lengths.enumerate().filter(|(other, _)| *other != member);
    index
        + others
            .map(|(other, length)| length.min(index + usize::from(other < member)))
            .sum::<usize>()
}

impl<T> Line<T> {
    pub(super) const fn new() -> Self {
        Self {
            people: VecDeque::new(),
            length: 0,
        }
    }

    /// How many wait.
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Goes to the end of what its agent waits with. `number` names it; it is larger than all before.
    pub(super) fn join(&mut self, person: &UserId, agent: &AgentId, number: u64, item: T) {
        self.length += 1;
        let waiting = (number, item);
        let Some(there) = self.people.iter_mut().find(|there| there.id == *person) else {
            self.people.push_back(Person {
                id: person.clone(),
                agents: VecDeque::from([Agent {
                    id: agent.clone(),
                    waiting: VecDeque::from([waiting]),
                }]),
            });
            return;
        };
        match there.agents.iter_mut().find(|there| there.id == *agent) {
            Some(there) => there.waiting.push_back(waiting),
            None => there.agents.push_back(Agent {
                id: agent.clone(),
                waiting: VecDeque::from([waiting]),
            }),
        }
    }

    /// Takes out the one whose turn it is, of those people who may have one more. The others keep
    /// their turn.
    pub(super) fn next(&mut self, may: impl Fn(&UserId) -> bool) -> Option<(UserId, T)> {
        let index = self.people.iter().position(|person| may(&person.id))?;
        let mut person = self.people.remove(index)?;
        let mut agent = person.agents.pop_front()?;
        let (_, item) = agent.waiting.pop_front()?;
        self.length -= 1;
        let id = person.id.clone();
        if !agent.waiting.is_empty() {
            person.agents.push_back(agent);
        }
        if !person.agents.is_empty() {
            self.people.push_back(person);
        }
        Some((id, item))
    }

    /// Takes one out that gave up. Gives nothing when it is not there any more.
    pub(super) fn leave(&mut self, person: &UserId, number: u64) -> Option<T> {
        let (member, agent, index) = self.find(person, number)?;
        let person = self.people.get_mut(member)?;
        let agents = &mut person.agents;
        let (_, item) = agents.get_mut(agent)?.waiting.remove(index)?;
        self.length -= 1;
        agents.retain(|agent| !agent.waiting.is_empty());
        if agents.is_empty() {
            self.people.remove(member);
        }
        Some(item)
    }

    /// How many have their turn before this one, if nobody comes or goes.
    pub(super) fn before(&self, person: &UserId, number: u64) -> Option<usize> {
        let (member, agent, index) = self.find(person, number)?;
        let agents = &self.people.get(member)?.agents;
        let own = before_in_turns(agents.iter().map(|agent| agent.waiting.len()), agent, index);
        Some(before_in_turns(
            self.people.iter().map(Person::length),
            member,
            own,
        ))
    }

    /// The places of one in the lists it is in.
    fn find(&self, person: &UserId, number: u64) -> Option<(usize, usize, usize)> {
        let member = self.people.iter().position(|there| there.id == *person)?;
        let agents = self.people.get(member)?.agents.iter().enumerate();
        agents.into_iter().find_map(|(agent, there)| {
            // Numbers grow, and an agent's keep their order: thousands wait here.
            let index = there.waiting.binary_search_by_key(&number, |(of, _)| *of).ok()?;
            Some((member, agent, index))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(count: usize) -> (Vec<UserId>, Vec<AgentId>) {
        let people = (0..count).map(|_| UserId::generate()).collect();
        let agents = (0..count * 3).map(|_| AgentId::generate()).collect();
        (people, agents)
    }

    fn all(line: &mut Line<u64>) -> Vec<u64> {
        std::iter::from_fn(|| line.next(|_| true).map(|(_, number)| number)).collect()
    }

    #[test]
    fn people_then_agents_take_turns_and_an_agent_keeps_its_order() {
        let (people, agents) = ids(2);
        let mut line = Line::new();
        // The first person's first agent has three, the second one; the second person comes last.
        for (person, agent, number) in [(0, 0, 1), (0, 0, 2), (0, 0, 3), (0, 1, 4), (1, 3, 5), (1, 3, 6)] {
            line.join(&people[person], &agents[agent], number, number);
        }
        assert_eq!(all(&mut line), [1, 5, 4, 6, 2, 3]);
        assert_eq!(line.length(), 0);
    }

    #[test]
    fn who_may_not_have_more_keeps_the_turn() {
        let (people, agents) = ids(2);
        let mut line = Line::new();
        line.join(&people[0], &agents[0], 1, 1);
        line.join(&people[1], &agents[3], 2, 2);
        line.join(&people[1], &agents[4], 3, 3);
        let others = |person: &UserId| *person == people[1];
        assert_eq!(line.next(others).map(|(_, number)| number), Some(2));
        assert_eq!(line.before(&people[0], 1), Some(0));
        assert_eq!(all(&mut line), [1, 3]);
        assert!(line.next(others).is_none());
    }

    proptest! {
        #[test]
        fn the_place_that_is_told_is_the_place_one_has(
            who in proptest::collection::vec((0..4_usize, 0..3_usize), 1..40),
            served in 0..10_usize,
            left in proptest::collection::vec(0..40_u64, 0..5),
        ) {
            let (people, agents) = ids(4);
            let mut line = Line::new();
            let mut person_of = Vec::new();
            for (number, (person, agent)) in who.iter().enumerate() {
                line.join(&people[*person], &agents[person * 3 + agent], number as u64, number as u64);
                person_of.push(&people[*person]);
            }
            for _ in 0..served {
                line.next(|_| true);
            }
            for number in left {
                if let Some(person) = person_of.get(number as usize) {
                    line.leave(person, number);
                }
            }
            let told: Vec<_> = (0..who.len() as u64)
                .map(|number| line.before(person_of[number as usize], number))
                .collect();
            let length = line.length();
            let order = all(&mut line);
            prop_assert_eq!(order.len(), length);
            for (number, told) in told.iter().enumerate() {
                prop_assert_eq!(order.iter().position(|of| *of == number as u64), *told);
            }
        }
    }
}
