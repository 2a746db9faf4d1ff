namespace ControlPlane.Adapters.Choria;

using System.Text;

/// <summary>
/// What decides at a Choria broker who may log in. Whether it keeps streams decides nothing here: an account without them says so later.
/// </summary>
public sealed record BrokerSettings
{
    /// <summary>The organisations' issuers by name, <c>plugin.security.issuer.*</c>; none: the network of V1, with file security.</summary>
    public IReadOnlyDictionary<string, IssuerKey> Issuers { get; init; } = new Dictionary<string, IssuerKey>();

    /// <summary>
    /// Whether clients' certificates are asked for and verified: always with file security, and with <c>plugin.security.choria.ca</c>.
    /// </summary>
    public bool VerifiesCertificates { get; init; }

    /// <summary>The password of the user <c>provisioner</c>, <c>plugin.choria.network.provisioning.client_password</c>.</summary>
    public string? ProvisionerPassword { get; init; }

    /// <summary>Who signs the provisioning tokens of V1, <c>plugin.choria.network.provisioning.signer_cert</c>.</summary>
    public IssuerKey? ProvisioningSigner { get; init; }

    /// <summary>False: with issuers, the password alone makes a provisioner (<c>provisioner_without_token</c>).</summary>
    public bool ProvisionerNeedsToken { get; init; } = true;

    /// <summary>False: provisioned nodes may log in, and neither publish nor subscribe (<c>deny_server_connections</c>).</summary>
    public bool AcceptsNodes { get; init; } = true;

    /// <summary>
    /// Whether <c>client_hosts</c> is set: certificates without a token then have the rights of nodes alone. The broker does not look at
    /// their addresses.
    /// </summary>
    public bool HasClientHosts { get; init; }

    /// <summary>Without issuers: who may sign clients' tokens, <c>client_signer_cert</c>.</summary>
    public IReadOnlyList<IssuerKey> ClientSigners { get; init; } = [];

    /// <summary>Without issuers: who may sign nodes' tokens, <c>server_signer_cert</c>.</summary>
    public IReadOnlyList<IssuerKey> ServerSigners { get; init; } = [];

    /// <summary>The system user, <c>plugin.choria.network.system.user</c>; null: there is none, and no name is special.</summary>
    public string? SystemUser { get; init; }

    public string? SystemPassword { get; init; }

    /// <summary>What is overlooked; nothing, unless this stands for Choria's own broker.</summary>
    public BrokerLeniency Leniency { get; init; } = BrokerLeniency.None;

    internal bool HasIssuers => Issuers.Count > 0;

    internal bool HasProvisioning => ProvisionerPassword is not null || ProvisioningSigner is not null;

    // Records print their members; this one's passwords would end up in a log.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(nameof(Issuers)).Append(" = ").AppendJoin(',', Issuers.Keys);
        return true;
    }
}
