namespace ControlPlane.Adapters.Choria;

/// <summary>The <c>choria_provision</c> agent. Every action takes the fleet's shared provisioning secret.</summary>
public static class ProvisionAgent
{
    public const string Name = "choria_provision";

    /// <summary>How long a node's provisioning lock stays with who took it, from the last call on.</summary>
    public static readonly TimeSpan LockLifetime = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    /// <summary>The node's provisioning token and a new X25519 key, which replaces the one before.</summary>
    public static readonly RpcAction<SecretInput, JwtOutput> Jwt =
        new(Name, "jwt", Timeout, WireJson.Types.SecretInput, WireJson.Types.JwtOutput);

    /// <summary>A new ed25519 key of the node, which replaces the one before, and proof that the node holds it.</summary>
    public static readonly RpcAction<Gen25519Input, Gen25519Output> Gen25519 =
        new(Name, "gen25519", Timeout, WireJson.Types.Gen25519Input, WireJson.Types.Gen25519Output);

    /// <summary>A signing request with a new RSA key, which replaces the one before.</summary>
    public static readonly RpcAction<GencsrInput, GencsrOutput> Gencsr =
        new(Name, "gencsr", Timeout, WireJson.Types.GencsrInput, WireJson.Types.GencsrOutput);

    /// <summary>Writes configuration, certificate, token and policies. Not atomic on the node, but repeatable.</summary>
    public static readonly RpcAction<ConfigureInput, MessageOutput> Configure =
        new(Name, "configure", Timeout, WireJson.Types.ConfigureInput, WireJson.Types.MessageOutput);

    /// <summary>Restarts the node into its new configuration.</summary>
    public static readonly RpcAction<RestartInput, MessageOutput> Restart =
        new(Name, "restart", Timeout, WireJson.Types.RestartInput, WireJson.Types.MessageOutput);

    /// <summary>Takes a provisioned node back into provisioning mode.</summary>
    public static readonly RpcAction<SecretInput, MessageOutput> Reprovision =
        new(Name, "reprovision", Timeout, WireJson.Types.SecretInput, WireJson.Types.MessageOutput);

    /// <summary>Ends the process on the node.</summary>
    public static readonly RpcAction<SecretInput, MessageOutput> Shutdown =
        new(Name, "shutdown", Timeout, WireJson.Types.SecretInput, WireJson.Types.MessageOutput);

    /// <summary>Replaces the program on the node. Often slower than the timeout, then it happens without a reply.</summary>
    public static readonly RpcAction<ReleaseUpdateInput, MessageOutput> ReleaseUpdate =
        new(Name, "release_update", Timeout, WireJson.Types.ReleaseUpdateInput, WireJson.Types.MessageOutput);
}

/// <summary>The error texts by which the agent tells its refusals apart; all come with <see cref="RpcStatus.Aborted"/>.</summary>
public static class ProvisionErrors
{
    public const string Locked = "Could not obtain provisioning lock";
    public const string WrongSecret = "Incorrect provision token supplied";
    public const string NotProvisioning = "Cannot reconfigure a server that is not in provisioning mode";
    public const string NotProvisioningForUpdate = "Cannot update a server that is not in provisioning mode";
    public const string AlreadyProvisioning = "Server is already in provisioning mode, cannot enable provisioning mode again";
    public const string UpdatesDisabled = "Version updates is not enabled in the configuration";
    public const string EmptyConfiguration = "Did not receive any configuration to write, cannot write a empty configuration file";
    public const string NoKeyForPrivateKey = "EDCH Public Key not supplied while providing a private key";
    public const string NoTokenConfigured = "No Provisioning JWT file has been configured";
    public const string NoToken = "Provisioning JWT file does not exist";
}
