namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Where sites ask each other, on the network of the one that is asked.</summary>
internal static class SiteSubjects
{
    public static string Of(string region, string site, string channel) => $"controlplane.sites.{region}.{site}.{channel}";

    /// <summary>
    /// Where answers come. Not in the inbox of who asks, to which a broker of v2 lets no other client publish: this both are given by name.
    /// </summary>
    public static string AnswersOf(string region) => $"controlplane.sites.{region}.answers.*";
}
