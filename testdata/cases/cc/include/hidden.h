int hidden();
