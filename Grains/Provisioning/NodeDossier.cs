namespace ControlPlane.Provisioning;

/// <summary>What an enrolment learnt of its node before the keys were made. Not stored: learning it again is harmless.</summary>
internal sealed record NodeDossier(string ClaimsJson, string OrganizationUnit, string InventoryJson = "{}");
