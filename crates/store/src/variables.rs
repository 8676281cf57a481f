//! The environment variables of agents.

use crate::{Result, Store, StoreError, agents, stored, value::values};
use model::{AgentId, Millis, Variable, VariableValue, secret};

#[derive(sqlx::FromRow)]
struct VariableRow {
    name: String,
    value: Option<String>,
    secret_id: Option<String>,
}

impl Store {
    /// The variables of an agent, in the order they were saved in.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn variables(&self, agent: &AgentId) -> Result<Vec<Variable>> {
        let rows: Vec<VariableRow> = self
            .reader()
            .await?
            .all(
                "select name, value, secret_id from agent_variables where agent_id = $1 order by position",
                values![agent],
            )
            .await?;
        rows.into_iter().map(VariableRow::read).collect()
    }

    /// Puts these in the place of an agent's variables.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent, or its team has no such secret, `Invalid` when a variable breaks a rule.
    pub async fn save_variables(&self, agent: &AgentId, variables: &[Variable]) -> Result<()> {
        secret::check_variables(variables)?;
        let mut session = self.writer().await?;
        agents::touch(&mut session, agent, Millis::now()).await?;
        session
            .execute("delete from agent_variables where agent_id = $1", values![agent])
            .await?;
        let secrets: Vec<(String,)> = session
            .all(
                "select id from secrets where team_id = (select team_id from agents where id = $1)",
                values![agent],
            )
            .await?;
        for (position, variable) in variables.iter().enumerate() {
            let (value, secret) = match &variable.value {
                VariableValue::Plain(value) => (Some(value.as_str()), None),
                VariableValue::Secret(id) if secrets.iter().any(|(of_team,)| of_team == id.as_str()) => {
                    (None, Some(id.as_str()))
                }
                VariableValue::Secret(_) => return Err(secret_missing(variable)),
            };
            session
                .execute(
                    "insert into agent_variables (agent_id, name, position, value, secret_id)
                     values ($1, $2, $3, $4, $5)",
                    values![agent, &variable.name, position as u64, value, secret],
                )
                .await
                .map_err(|error| error.or_if_missing(|| secret_missing(variable)))?;
        }
        let names: Vec<_> = variables.iter().map(|variable| variable.name.as_str()).collect();
        crate::concerns("agent", agent.as_str(), "");
        crate::detail("variables", &names.join(", "));
        session.commit().await
    }
}

fn secret_missing(variable: &Variable) -> StoreError {
    StoreError::NotFound(format!(
        "The secret of the variable {} is not there any more. Choose another.",
        variable.name
    ))
}

impl VariableRow {
    fn read(self) -> Result<Variable> {
        let value = match (self.value, self.secret_id) {
            (_, Some(id)) => VariableValue::Secret(stored::text("the id of a secret", id)?),
            (value, None) => VariableValue::Plain(value.unwrap_or_default()),
        };
        Ok(Variable {
            name: self.name,
            value,
        })
    }
}
