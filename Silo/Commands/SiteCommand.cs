using System.CommandLine;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Commands;

/// <summary><c>controlplane site key FILE</c>: makes the key of a site, where there is none, and prints its public half.</summary>
internal static class SiteCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "Where the seed is, or is to be: Sites:SeedFile." };
        var key = new Command("key", "Makes the key of a site, if the file is not there, and prints the public key for Sites:PublicKeys.")
        {
            file,
        };
        key.SetAction(async (parsed, _) =>
        {
            try
            {
                await parsed.InvocationConfiguration.Output.WriteLineAsync(PublicKeyOf(parsed.GetRequiredValue(file)));
                return ExitCodes.Done;
            }
            catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or ChoriaFormatException)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"controlplane: {unusable.Message}");
                return ExitCodes.Usage;
            }
        });
        return new Command("site", "The site that these silos are.") { key };
    }

    // A key that is there is never replaced: other sites may know it already.
    private static string PublicKeyOf(string file)
    {
        if (!File.Exists(file))
        {
            using var made = Ed25519Key.Generate();
            using var stream = new FileStream(file, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            using var writer = new StreamWriter(stream);
            writer.WriteLine(made.ExportSeedHex());
            return made.PublicKeyHex;
        }

        using var held = Ed25519Key.FromSeedHex(File.ReadAllText(file));
        return held.PublicKeyHex;
    }
}
