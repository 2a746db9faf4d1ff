using System.Text.Json;

namespace ControlPlane.Access;

/// <summary>A sign-in at one control plane, as it is kept on this machine.</summary>
/// <param name="Url">The control plane.</param>
/// <param name="Hint">Where and as which client the person signed in.</param>
/// <param name="AccessToken">What is shown to the control plane.</param>
/// <param name="ExpiresAt">When it ends; null when the provider did not say.</param>
/// <param name="RefreshToken">What the provider gives another for; null when it gave none.</param>
internal sealed record KeptSignIn(Uri Url, SignInHint Hint, string AccessToken, DateTimeOffset? ExpiresAt, string? RefreshToken)
{
    /// <exception cref="SignInException">The provider gave no access token.</exception>
    public static KeptSignIn Of(Uri url, SignInHint hint, OidcTokenAnswer answer, DateTimeOffset now, string? before = null) => new(
        url,
        hint,
        answer.AccessToken is { Length: > 0 } token ? token : throw new SignInException($"{hint.Issuer} gave no access token"),
        answer.ExpiresIn is { } seconds ? now + TimeSpan.FromSeconds(seconds) : null,
        answer.RefreshToken ?? before);

    // Records print their members; this one's would end up in a log.
    public override string ToString() => $"a sign-in at {Url}";
}

/// <summary>The sign-ins of this machine's user: a file for each control plane, which the user alone may read.</summary>
/// <param name="folder">Where they are.</param>
internal sealed class KeptSignIns(string folder)
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(50);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Where they are by the rules of the XDG base directories.</summary>
    public static KeptSignIns OfUser()
    {
        var home = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } config && Path.IsPathRooted(config)
            ? config
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
        return new KeptSignIns(Path.Combine(home, "controlplane"));
    }

    public string FileOf(Uri url) =>
        Path.Combine(folder, "sign-ins", $"{url.Scheme}_{url.IdnHost.Replace(':', '-')}_{url.Port}.json");

    /// <returns>Null when nobody signed in there, or what is kept cannot be read.</returns>
    /// <exception cref="IOException">The file is there and cannot be read.</exception>
    public KeptSignIn? Find(Uri url)
    {
        try
        {
            return File.Exists(FileOf(url)) && JsonSerializer.Deserialize<KeptSignIn>(File.ReadAllText(FileOf(url)), Json) is { } kept
                && kept is { AccessToken.Length: > 0, Hint: not null } && IsOf(kept.Url, url)
                ? kept
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Keep(KeptSignIn signIn) => PrivateFile.Write(FileOf(signIn.Url), JsonSerializer.Serialize(signIn, Json));

    public void Forget(Uri url) => File.Delete(FileOf(url));

    /// <summary>
    /// Keeps other programs of the user from renewing the same sign-in meanwhile: a refresh token is often good for one use.
    /// </summary>
    /// <exception cref="IOException">Another has held it for too long.</exception>
    public async Task<IDisposable> LockAsync(Uri url, TimeProvider time, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            try
            {
                // The file stays: were it deleted, one who waits could hold a file that nobody else finds any more.
                return new FileStream($"{FileOf(url)}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (time.GetElapsedTime(begun) < LockPatience)
            {
                await Task.Delay(LockPause, time, cancellationToken);
            }
        }
    }

    // A token is shown to nobody but whom it was kept for.
    private static bool IsOf(Uri kept, Uri url) => (kept.Scheme, kept.IdnHost, kept.Port) == (url.Scheme, url.IdnHost, url.Port);
}
