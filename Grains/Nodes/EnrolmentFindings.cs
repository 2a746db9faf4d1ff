namespace ControlPlane.Nodes;

/// <summary>What an enrolment learnt of its node. Not stored: learning it again is harmless, but for a key that the helper made.</summary>
internal sealed record EnrolmentFindings(string ClaimsJson, string OrganizationUnit, string InventoryJson = "{}")
{
    /// <summary>All claims, with the shared secret: for the helper.</summary>
    public string SecretClaimsJson { get; init; } = ClaimsJson;

    /// <summary>The key that the helper made for the node; empty when the node uses its own.</summary>
    public string PrivateKeyPem { get; init; } = "";

    public static EnrolmentFindings Of(Attestation.Trusted trusted) =>
        new(trusted.ClaimsJson, trusted.OrganizationUnit) { SecretClaimsJson = trusted.SecretClaimsJson };

    // Records print their members, and these hold secrets.
    public override string ToString() => nameof(EnrolmentFindings);
}
