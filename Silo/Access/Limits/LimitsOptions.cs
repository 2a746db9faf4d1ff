using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>
/// How much one principal and one address may ask, and when failed sign-ins lock. Section <c>Access:Limits</c>. Each silo counts for
/// itself; <c>local</c> has no limit. Behind a proxy all callers come from its address: raise what is said of addresses.
/// </summary>
public sealed class LimitsOptions
{
    public const string Section = "Access:Limits";

    /// <summary>Requests a second of one principal, in the long run. 1 to 10000; 100 by default.</summary>
    [Between(1, 10_000)]
    public int PrincipalRate { get; set; } = 100;

    /// <summary>Requests a second from one address, of IPv6 from a network of 64 bits. 1 to 10000; 200 by default.</summary>
    [Between(1, 10_000)]
    public int AddressRate { get; set; } = 200;

    /// <summary>For how many seconds' worth of requests one may come at once after a pause. 1 to 60; 10 by default.</summary>
    [Between(1, 60)]
    public int BurstSeconds { get; set; } = 10;

    /// <summary>
    /// After how many failed sign-ins within <see cref="FailureWindow"/> an address is locked: its credentials are not looked at. 0, for
    /// never, to 100000; 50 by default.
    /// </summary>
    [Between(0, 100_000)]
    public int AddressFailuresMax { get; set; } = 50;

    /// <summary>
    /// After how many a principal is locked whose stolen credential fails, as a Choria token without its key does; and a user of
    /// <c>Access:Signer:UserFiles</c> whose passwords fail, for passwords alone. 0, for never, to 100000; 10 by default.
    /// </summary>
    [Between(0, 100_000)]
    public int PrincipalFailuresMax { get; set; } = 10;

    /// <summary>Within what time failures count together. 1 second to 1 day; 1 minute by default.</summary>
    [Between("00:00:01", "1.00:00:00")]
    public TimeSpan FailureWindow { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>For how long somebody is locked. 1 second to 1 day; 5 minutes by default.</summary>
    [Between("00:00:01", "1.00:00:00")]
    public TimeSpan LockFor { get; set; } = TimeSpan.FromMinutes(5);
}

[OptionsValidator]
internal sealed partial class LimitsOptionsRanges : IValidateOptions<LimitsOptions>;
