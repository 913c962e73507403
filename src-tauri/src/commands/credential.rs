//! Credentials. A value comes in and never goes out.

use firstlight_contract::{
    commands::{CredentialRef, NewCredential, Nothing},
    credential::{CredentialTest, CredentialView},
};
use secrecy::SecretString;
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn credentials(shell: State<'_, Shell>, args: Nothing) -> Answer<Vec<CredentialView>> {
    let Nothing {} = args;
    shell.app().await?.credentials().map_err(body)
}

#[tauri::command]
pub(super) async fn store_credential(shell: State<'_, Shell>, args: NewCredential) -> Answer<CredentialView> {
    let NewCredential { name, value } = args;
    let value = SecretString::from(value);
    shell.app().await?.store_credential(&name, value).await.map_err(body)
}

#[tauri::command]
pub(super) async fn generate_credential(
    shell: State<'_, Shell>,
    args: CredentialRef,
) -> Answer<CredentialView> {
    shell.app().await?.generate_credential(&args.name).await.map_err(body)
}

#[tauri::command]
pub(super) async fn test_credential(shell: State<'_, Shell>, args: CredentialRef) -> Answer<CredentialTest> {
    shell.app().await?.test_credential(&args.name).await.map_err(body)
}

#[tauri::command]
pub(super) async fn remove_credential(
    shell: State<'_, Shell>,
    args: CredentialRef,
) -> Answer<CredentialView> {
    shell.app().await?.remove_credential(&args.name).await.map_err(body)
}
