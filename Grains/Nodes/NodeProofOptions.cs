namespace ControlPlane.Nodes;

/// <summary>What a machine must show beyond the region's provisioning token. Section <c>Provisioning:Proof</c>.</summary>
public sealed class NodeProofOptions
{
    public const string Section = "Provisioning:Proof";

    /// <summary>
    /// The claim of the provisioning token that must be the node's identity, objects separated by dots, e.g. <c>extensions.identity</c>:
    /// each node has a token of its own. Not demanded by default.
    /// </summary>
    public string? IdentityClaim { get; set; }

    /// <summary>
    /// A JSON file of the nodes that may enrol, each with what it must show. Read again when it changes; what cannot be read leaves the
    /// last list in force. Not demanded by default.
    /// </summary>
    public string? AllowListFile { get; set; }

    /// <summary>The fact that holds a signed document of the node's cloud, dots between names.</summary>
    public string DocumentFact { get; set; } = "cloud.identity.document";

    /// <summary>The fact that holds the document's signature, SHA-256 with RSA, in base64.</summary>
    public string DocumentSignatureFact { get; set; } = "cloud.identity.signature";

    /// <summary>File with the certificate or public key (PEM) of who signs such documents.</summary>
    public string? DocumentSignerFile { get; set; }

    /// <summary>What the site runs without, for who checks its configuration; null when something is demanded.</summary>
    public string? Missing => IdentityClaim is null && AllowListFile is null
        ? "any machine that holds the region's provisioning token may enrol in any name; set "
            + "Provisioning:Proof:IdentityClaim or Provisioning:Proof:AllowListFile"
        : null;
}
