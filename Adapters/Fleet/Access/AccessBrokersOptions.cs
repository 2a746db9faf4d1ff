namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>
/// The brokers whose log-ins this silo decides: nats-server 2.10 or later with <c>auth_callout</c>. Section <c>Access:Brokers</c>. Off
/// without a network. Whose tokens are believed is said by <c>Provisioning:Issuers</c> and <c>Fleet:ProvisioningTokenSignerFiles</c>.
/// </summary>
public sealed class AccessBrokersOptions
{
    public const string Section = "Access:Brokers";

    /// <summary>
    /// How the silo logs in to the brokers of each network to decide their log-ins: as a user of the system account that
    /// <c>auth_users</c> names. The names are the site's own.
    /// </summary>
    public Dictionary<string, BrokerLoginOptions> Networks { get; set; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Path of the seed (<c>SA…</c>) of the account key whose public half is the brokers' <c>auth_callout.issuer</c>. Required.
    /// </summary>
    public string IssuerSeedFile { get; set; } = "";

    /// <summary>
    /// Path of the seed (<c>SX…</c>) of the encryption key whose public half the brokers have as <c>auth_callout.xkey</c>. None by
    /// default: then what nodes log in with goes over the brokers' own links as these are.
    /// </summary>
    public string? XKeySeedFile { get; set; }

    /// <summary>
    /// Path of the password of the user <c>provisioner</c>, for a log-in with a token that has the permission. None by default: then
    /// nobody logs in as that user but whom the brokers' configuration names.
    /// </summary>
    public string? ProvisionerPasswordFile { get; set; }

    /// <summary>The name of the brokers' operator, who logs in to the system account by password and token. None by default.</summary>
    public string? SystemUser { get; set; }

    /// <summary>Path of the password that goes with <see cref="SystemUser"/>.</summary>
    public string? SystemPasswordFile { get; set; }

    /// <summary>
    /// Whether a node with good credentials is let in that never enrolled here. False by default; true while a fleet is moved here.
    /// </summary>
    public bool AdmitUnknownNodes { get; set; }

    /// <summary>Log-ins at the brokers of one network that are decided at once; the others wait. 1 to 1024; 128 by default.</summary>
    [Between(1, 1024)]
    public int DecisionsMax { get; set; } = 128;

    /// <summary>
    /// How long it may take to find out how a node stands; then its good credentials are enough. Less than the brokers' time limit
    /// (<c>authorization.timeout</c>). 100 milliseconds to 30 seconds; 2 seconds by default.
    /// </summary>
    [Between("00:00:00.1", "00:00:30")]
    public TimeSpan DecisionTimeout { get; set; } = TimeSpan.FromSeconds(2);
}
