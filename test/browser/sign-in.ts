/** What a user does on the pages. */
import type { Page } from 'playwright-core';
import { PASSWORDS, type UserName } from '../fixtures/sign-in-gateway.ts';

/** Fills in the sign-in page and sends it. @param password default the right one */
export async function signIn(page: Page, user: UserName, password: string = PASSWORDS[user]): Promise<void> {
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Decides on the consent page. */
export const decide = (page: Page, decision: 'Allow' | 'Deny' | 'Use another account'): Promise<void> =>
  page.getByRole('button', { name: decision, exact: true }).click();
