namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization;

/// <summary>The token of a V2 caller, a provisioner or another chain issuer.</summary>
public sealed record ClientClaims : TokenClaims
{
    /// <summary>The caller that its requests name, byte for byte.</summary>
    [JsonPropertyName("callerid")]
    public string CallerId { get; init => field = value ?? ""; } = "";

    /// <summary>What the AAA service lets it do: <c>*</c>, <c>agent.*</c>, <c>agent.action</c>.</summary>
    [JsonPropertyName("agents")]
    public IReadOnlyList<string>? Agents { get; init; }

    [JsonPropertyName("ou")]
    public string? OrganizationUnit { get; init; }

    [JsonPropertyName("user_properties")]
    public IReadOnlyDictionary<string, string>? UserProperties { get; init; }

    /// <summary>A Rego policy in place of <see cref="Agents"/>.</summary>
    [JsonPropertyName("opa_policy")]
    public string? OpaPolicy { get; init; }

    [JsonPropertyName("permissions")]
    public ClientPermissions? Permissions { get; init; }

    [JsonPropertyName("pub_subjects")]
    public IReadOnlyList<string>? PublishSubjects { get; init; }

    [JsonPropertyName("sub_subjects")]
    public IReadOnlyList<string>? SubscribeSubjects { get; init; }

    [JsonIgnore]
    public override string? Organization => OrganizationUnit;

    internal override string OwnPurpose => ClientPurpose;

    internal override string? Fault() =>
        CallerId.Length == 0 ? "callerid is missing or empty"
        : HasNull(Agents) ? "agents has a null in it"
        : HasNull(PublishSubjects) || HasNull(SubscribeSubjects) ? "pub_subjects or sub_subjects has a null in it"
        : HasNull(UserProperties?.Values) ? "user_properties has a null in it"
        : KeyFault();
}

/// <summary>What a client may do; the broker and the nodes look at it.</summary>
public sealed record ClientPermissions
{
    [JsonPropertyName("streams_admin"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StreamsAdmin { get; init; }

    [JsonPropertyName("streams_user"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StreamsUser { get; init; }

    [JsonPropertyName("events_viewer"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EventsViewer { get; init; }

    [JsonPropertyName("election_user"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ElectionUser { get; init; }

    [JsonPropertyName("org_admin"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool OrganizationAdmin { get; init; }

    [JsonPropertyName("system_user"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SystemUser { get; init; }

    [JsonPropertyName("governor"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Governor { get; init; }

    /// <summary>May send requests to nodes.</summary>
    [JsonPropertyName("fleet_management"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FleetManagement { get; init; }

    /// <summary>May send requests to nodes if a delegator signs each.</summary>
    [JsonPropertyName("signed_fleet_management"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SignedFleetManagement { get; init; }

    /// <summary>May have a long-lived token.</summary>
    [JsonPropertyName("service"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LongLived { get; init; }

    /// <summary>May sign the requests of others.</summary>
    [JsonPropertyName("authentication_delegator"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AuthenticationDelegator { get; init; }

    /// <summary>May connect to the provisioning account.</summary>
    [JsonPropertyName("provisioner"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Provisioner { get; init; }
}
