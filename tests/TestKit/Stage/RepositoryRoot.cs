namespace ControlPlane.TestKit.Stage;

/// <summary>The working tree that this was built in: where <c>infra</c> lies.</summary>
public static class RepositoryRoot
{
    private const string Landmark = "ControlPlane.sln";

    public static string Path { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, Landmark)))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds {Landmark}");
    }
}
