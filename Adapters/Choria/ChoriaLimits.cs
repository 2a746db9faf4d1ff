namespace ControlPlane.Adapters.Choria;

/// <summary>Bounds on what is accepted from the wire, and those that Choria itself keeps.</summary>
public static class ChoriaLimits
{
    /// <summary>The largest NATS payload that is read. Brokers carry 1 MiB unless told otherwise, and never more than this.</summary>
    public const int PayloadBytesMax = 8 * 1024 * 1024;

    /// <summary>The deepest JSON that is read: envelopes nest 4 levels, facts rarely 10.</summary>
    public const int JsonDepthMax = 64;

    /// <summary>The largest registration content after gunzip, unless the caller says otherwise.</summary>
    public const int RegistrationBytesMax = 4 * 1024 * 1024;

    /// <summary>The largest token that is looked at. Real ones are 500 to 1,500 characters.</summary>
    public const int TokenCharactersMax = 16 * 1024;

    /// <summary>The longest name, version or id that an event or a reply may have: real ones are a line of text at most.</summary>
    public const int NameCharactersMax = 256;

    /// <summary>What is kept of the words in which a node says what went wrong; the rest is cut off.</summary>
    public const int StatusMessageCharactersMax = 1024;

    /// <summary>The longest path of a directory that a node may name: Linux knows no longer ones.</summary>
    public const int PathCharactersMax = 4096;

    /// <summary>Choria's own lower bound on the time to live of protocol v1 requests, in seconds.</summary>
    public const int V1TimeToLiveSecondsMin = 30;

    /// <summary>Length of every protocol v1 request id.</summary>
    public const int V1RequestIdCharacters = 32;

    /// <summary>What the DDL of <c>configure</c> allows for <c>config</c>; nodes take more, clients that validate send no more.</summary>
    public const int ConfigureSettingsCharactersMax = 2048;

    /// <summary>What the DDL allows for <c>server_jwt</c>.</summary>
    public const int ConfigureServerTokenCharactersMax = 2048;

    /// <summary>What the DDL allows for <c>certificate</c> and <c>key</c>.</summary>
    public const int ConfigurePemCharactersMax = 10_240;

    /// <summary>What the DDL allows for <c>ca</c>.</summary>
    public const int ConfigureChainCharactersMax = 20_480;

    /// <summary>What the DDL allows for the shared provisioning secret, <c>token</c>.</summary>
    public const int ProvisioningSecretCharactersMax = 128;

    /// <summary>What the DDL allows for the nonce of <c>gen25519</c>.</summary>
    public const int NonceCharactersMax = 64;
}
